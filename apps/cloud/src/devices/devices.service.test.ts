import { X509Certificate } from 'node:crypto';
import { createCsr, fingerprintOf, identityOf, newKeyPair, verifyPassword } from '@selvage/pki';
import {
  desiredDevices,
  device as deviceSchema,
  deviceModel,
  client as clientSchema,
  clientSpec,
} from '@selvage/protocol';
import { until } from '@selvage/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DIALECTS, testDatabases } from '../db/test-databases.js';
import { at, device, DevicesStage, model } from './test-devices.js';

const LAMP = model({
  protocol: 'modbus',
  properties: { power: { type: 'boolean' }, level: { type: 'int', min: 0, max: 100 } },
  attributes: { maker: { value: 'acme' } },
});
const page = { limit: 100 };

describe.each(DIALECTS)('on %s', (dialect) => {
  const databases = testDatabases(dialect);
  let stage: DevicesStage;
  beforeAll(async () => {
    stage = await DevicesStage.open(await databases.fresh());
    await stage.models.put(at('lamp'), LAMP);
  });
  afterAll(() => stage.close());
  beforeEach(() => {
    stage.quiet();
  });

  const list = async (query: object): Promise<string[]> =>
    (await stage.devices.list('default', { ...page, ...query })).items.map(({ name }) => name);

  describe('a device', () => {
    it('is created with its name as id, read, and guarded by its revision', async () => {
      const made = await stage.writes.put(at('a1'), device({ model: 'lamp', node: 'edge-1' }, { site: 'x' }));
      expect(deviceSchema.parse(made)).toEqual(made);
      expect(made).toMatchObject({
        spec: { model: 'lamp', node: 'edge-1' },
        status: { id: 'a1', state: 'unknown', twin: {} },
      });
      expect(stage.poked).toEqual(['default/edge-1']);
      expect(stage.changed).toEqual(['device a1']);
      await expect(stage.writes.put(at('a1', 1), device())).rejects.toMatchObject({ code: 'conflict' });
      const same = await stage.writes.put(at('a1'), device({ model: 'lamp', node: 'edge-1' }, { site: 'x' }));
      expect(same.revision).toBe(made.revision);
    });

    it('is told to the old node and the new one when it moves, and belongs to none when its node is deleted', async () => {
      await stage.writes.put(at('a2'), device({ node: 'edge-1' }));
      stage.quiet();
      await stage.writes.patch(at('a2'), { spec: { node: 'edge-2' } });
      expect(stage.poked.sort()).toEqual(['default/edge-1', 'default/edge-2']);
      await stage.base.db.write((tx) => stage.writes.unbind(tx, { project: 'default', node: 'edge-2' }));
      expect((await stage.devices.get('default', 'a2')).spec.node).toBeUndefined();
    });

    it('keeps its id, which nobody else has', async () => {
      await stage.writes.put(at('a3'), device({ id: 'Serial_3' }));
      expect((await stage.devices.get('default', 'a3')).spec.id).toBe('Serial_3');
      await expect(stage.writes.put(at('a3'), device())).rejects.toMatchObject({ code: 'bad_request' });
      await expect(stage.writes.put(at('a4'), device({ id: 'Serial_3' }))).rejects.toMatchObject({
        code: 'already_exists',
      });
      await expect(stage.writes.patch(at('a3'), { spec: { id: 'other' } })).rejects.toThrow(/cannot change/);
    });

    it.each([
      [{ node: 'nowhere' }, /no node "nowhere"/],
      [{ model: 'nothing' }, /no device model "nothing"/],
    ])('with %j is refused', async (spec, problem) => {
      await expect(stage.writes.put(at('a5'), device(spec))).rejects.toThrow(problem);
      await expect(stage.devices.get('default', 'a5')).rejects.toMatchObject({ code: 'not_found' });
    });

    it('does not change the type of a property', async () => {
      await stage.writes.put(at('a6'), device({ properties: { x: { type: 'int' } } }));
      await expect(stage.writes.put(at('a6'), device({ properties: { x: { type: 'string' } } }))).rejects.toMatchObject(
        {
          code: 'in_use',
        },
      );
    });

    it('is found by node, model, state and labels', async () => {
      await stage.writes.put(at('b1'), device({ model: 'lamp', node: 'edge-2' }, { floor: '1' }));
      await stage.writes.put(at('b2'), device({ node: 'edge-2' }, { floor: '2' }));
      const { id } = await stage.devices.known('default', 'b1');
      await stage.base.db.write((tx) => stage.notes.heard(tx, 'reported', [{ id, value: 'OK' }]));
      expect(await list({ state: 'online' })).toEqual([]);
      stage.base.sessions.open({ project: 'default', node: 'edge-2' });
      expect(await list({ state: 'online' })).toEqual(['b1']);
      expect(await list({ node: 'edge-2', labels: 'floor=2' })).toEqual(['b2']);
      expect(await list({ node: 'edge-2', model: 'lamp' })).toEqual(['b1']);
      expect((await stage.devices.get('default', 'b1')).status).toMatchObject({ state: 'online', reported: 'OK' });
      expect((await stage.devices.counts()).get('online')).toBe(1);
      await stage.writes.patch(at('b1'), { spec: { node: 'edge-1' } });
      expect((await stage.devices.get('default', 'b1')).status.reported).toBeUndefined();
    });

    it('does not fit a node that is full', async () => {
      const properties = Object.fromEntries(
        Array.from({ length: 500 }, (_, index) => [`p${index}`, { type: 'string', description: 'x'.repeat(255) }]),
      );
      await stage.models.put(at('big'), model({ properties }));
      stage.nodes.add('full');
      let refused: unknown;
      for (let count = 0; count < 20 && refused === undefined; count += 1) {
        await stage.writes.put(at(`big-${count}`), device({ model: 'big', node: 'full' })).catch((error: unknown) => {
          refused = error;
        });
      }
      expect(String(refused)).toMatch(/devices of node "full" would take \d+ bytes/);
    });
  });

  describe('a model', () => {
    it('says how many devices it has, and stays while there are any', async () => {
      await stage.models.put(at('m1'), LAMP);
      await stage.writes.put(at('m1-a'), device({ model: 'm1' }));
      const shown = await stage.models.get('default', 'm1');
      expect(deviceModel.parse(shown)).toEqual(shown);
      expect(shown.status.devices).toBe(1);
      await expect(stage.models.remove(at('m1'))).rejects.toMatchObject({ code: 'in_use' });
      await stage.writes.remove(at('m1-a'));
      await stage.models.remove(at('m1'));
      await expect(stage.models.get('default', 'm1')).rejects.toMatchObject({ code: 'not_found' });
    });

    it('does not change a type that devices use, and tells what they lose and which nodes are concerned', async () => {
      const withdrawn: unknown[] = [];
      stage.hooks.follow({
        withdrawn: (_tx, devices) => Promise.resolve(void withdrawn.push(...devices)),
        rebound: () => Promise.resolve(),
        removed: () => Promise.resolve(),
      });
      await stage.models.put(at('m2'), LAMP);
      await stage.writes.put(at('m2-a'), device({ model: 'm2', node: 'edge-1' }));
      await stage.writes.put(at('m2-b'), device({ model: 'm2', properties: { level: { type: 'float' } } }));
      const retyped = { spec: { properties: { level: { type: 'string', min: null, max: null } } } };
      await expect(stage.models.patch(at('m2'), retyped)).rejects.toThrow(/"level".*"m2-a"/);
      stage.quiet();
      await stage.models.patch(at('m2'), { spec: { properties: { power: null, level: null } } });
      const { id: a } = await stage.devices.known('default', 'm2-a');
      const { id: b } = await stage.devices.known('default', 'm2-b');
      expect(withdrawn).toHaveLength(2);
      expect(withdrawn).toEqual(
        expect.arrayContaining([
          { id: a, keys: ['power', 'level'] },
          { id: b, keys: ['power'] },
        ]),
      );
      expect(stage.poked).toEqual(['default/edge-1']);
    });
  });

  describe('what a node is sent', () => {
    it('has its devices with what the model gives them, and nothing for a node without any', async () => {
      stage.nodes.add('s1');
      await stage.writes.put(
        at('s1-b'),
        device({
          id: 'S1',
          model: 'lamp',
          node: 's1',
          displayName: 'Lamp',
          properties: { level: { type: 'int', max: 9 } },
        }),
      );
      const sent = await stage.sent('s1');
      expect(desiredDevices.parse(sent)).toEqual(sent);
      expect(sent.devices).toMatchObject([
        {
          ...{ id: 'S1', name: 'Lamp', access: { protocol: 'modbus' }, attributes: { maker: { value: 'acme' } } },
          properties: { power: { type: 'boolean' }, level: { type: 'int', max: 9 } },
          credentials: { fingerprints: [], logins: [] },
        },
      ]);
      expect(await stage.sent('nowhere')).toEqual({ devices: [], clients: [] });
    });
  });

  describe('a certificate', () => {
    it('is issued for a CSR, known to the node, and cut off when it is revoked', async () => {
      stage.nodes.add('c1');
      await stage.writes.put(at('c1-a'), device({ id: 'C-1', node: 'c1' }));
      const csr = await createCsr(await newKeyPair());
      const issued = await stage.holders.issue('device', at('c1-a'), csr);
      expect(issued).not.toHaveProperty('key');
      const leaf = new X509Certificate(issued.chain);
      expect(identityOf(leaf)).toEqual({ kind: 'device', project: 'default', name: 'C-1' });
      expect(fingerprintOf(leaf)).toBe(issued.fingerprint);
      expect((await stage.sent('c1')).devices[0]?.credentials.fingerprints).toEqual([issued.fingerprint]);
      expect((await stage.holders.list('device', at('c1-a'), page)).items).toMatchObject([
        { serial: issued.serial, kind: 'device', subject: 'default/C-1' },
      ]);
      stage.quiet();
      await stage.base.certificates.revoke({ project: 'default', serial: issued.serial }, 'lost');
      await until(() => stage.poked.includes('default/c1'));
      expect((await stage.sent('c1')).devices[0]?.credentials.fingerprints).toEqual([]);
    });

    it('comes with a new key when there is no CSR, and is revoked with its device', async () => {
      await stage.writes.put(at('c2'), device());
      const issued = await stage.holders.issue('device', at('c2'), undefined);
      expect(issued.key).toMatch(/BEGIN PRIVATE KEY/);
      await stage.writes.remove(at('c2'));
      await stage.writes.put(at('c2'), device({ node: 'c1' }));
      expect((await stage.sent('c1')).devices.find(({ id }) => id === 'c2')?.credentials.fingerprints).toEqual([]);
      await expect(stage.holders.issue('device', at('c3'), undefined)).rejects.toMatchObject({ code: 'not_found' });
      await expect(stage.holders.issue('device', at('c2'), 'x')).rejects.toMatchObject({ code: 'csr_refused' });
    });

    it('is one of sixteen at most', async () => {
      await stage.writes.put(at('c4'), device());
      const csr = await createCsr(await newKeyPair());
      for (let count = 0; count < 16; count += 1) await stage.holders.issue('device', at('c4'), csr);
      await expect(stage.holders.issue('device', at('c4'), csr)).rejects.toMatchObject({ code: 'in_use' });
    });
  });

  describe('a client', () => {
    it('is sent with its grants and its login, whose password is nowhere', async () => {
      stage.nodes.add('k1');
      const spec = clientSpec.parse({ node: 'k1', grants: { publish: ['a/#'] } });
      await stage.clients.put(at('web'), { labels: {}, spec });
      await stage.holders.setLogin('app', at('web'), { username: 'robot', password: 'a long password' });
      await stage.holders.issue('app', at('web'), undefined);
      const shown = await stage.clients.get('default', 'web');
      expect(clientSchema.parse(shown)).toEqual(shown);
      expect(shown.status).toEqual({ certificates: 1, login: 'robot' });
      const { clients } = desiredDevices.parse(await stage.sent('k1'));
      expect(clients).toMatchObject([{ name: 'web', grants: { publish: ['a/#'], subscribe: [] } }]);
      const hash = clients[0]?.credentials.logins[0]?.passwordHash ?? '';
      expect(await verifyPassword('a long password', hash)).toBe(true);
      stage.quiet();
      await stage.holders.removeLogin('app', at('web'));
      expect(stage.poked).toEqual(['default/k1']);
      expect((await stage.clients.get('default', 'web')).status).toEqual({ certificates: 1 });
    });

    it('does not get the user name of another', async () => {
      await stage.clients.put(at('k2'), { labels: {}, spec: clientSpec.parse({}) });
      await stage.writes.put(at('k2-device'), device());
      const login = { username: 'taken', password: 'a long password' };
      await stage.holders.setLogin('device', at('k2-device'), login);
      await stage.holders.setLogin('device', at('k2-device'), login);
      await expect(stage.holders.setLogin('app', at('k2'), login)).rejects.toMatchObject({ code: 'already_exists' });
      await stage.writes.remove(at('k2-device'));
      await stage.holders.setLogin('app', at('k2'), login);
      await stage.clients.remove(at('k2'));
      await expect(stage.clients.get('default', 'k2')).rejects.toMatchObject({ code: 'not_found' });
    });
  });
});
