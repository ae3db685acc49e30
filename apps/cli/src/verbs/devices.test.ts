import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deviceModelSpec, deviceSpec } from '@selvage/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { cli, FakeHub, send } from '../fake-hub.js';

const hub = new FakeHub();
const folder = mkdtempSync(join(tmpdir(), 'selvage-cli-devices-'));
beforeAll(() => hub.start());
afterAll(async () => {
  await hub.stop();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  hub.reset();
});

const PATH = '/api/v1/projects/default';
const head = {
  project: 'default',
  labels: {},
  revision: 4,
  createdAt: '2030-01-01T10:00:00Z',
  updatedAt: '2030-01-01T11:00:00Z',
};
const level = {
  ...{ type: 'int', optional: true, access: 'rw', unit: '%', pending: true },
  expected: { value: '40', at: '2030-01-01T11:00:00Z', version: { cloud: 3, edge: 1 }, by: 'ann' },
  actual: { value: '20', at: '2030-01-01T11:59:00Z', version: { cloud: 0, edge: 9 }, by: 'lamp' },
};
const lamp = {
  ...{ ...head, name: 'lamp' },
  spec: deviceSpec.parse({ model: 'm', node: 'edge-1', access: { protocol: 'modbus', settings: { slave_id: 3 } } }),
  status: { id: 'lamp', state: 'online', reported: 'OK', lastSeenAt: '2030-01-01T11:59:30Z', twin: { level } },
};
const issued = {
  ...{ serial: '0f', fingerprint: 'a'.repeat(64), subject: 'default/lamp', notAfter: '2031-01-01T00:00:00Z' },
  ...{ chain: 'CHAIN\n', ca: 'CA\n', key: 'KEY\n' },
};

describe('devices', () => {
  it('are listed with what is pending', async () => {
    hub.on(`GET ${PATH}/devices`, { items: [lamp] });
    const { out } = await cli(hub, ['get', 'devices', '--node', 'edge-1', '--state', 'online']);
    expect(out).toBe(
      'NAME   STATE    NODE     MODEL   PENDING   LAST SEEN\nlamp   online   edge-1   m       level     30s\n',
    );
    expect(hub.asked[0]?.query).toMatchObject({ node: 'edge-1', state: 'online' });
    expect((await cli(hub, ['get', 'devices', '--state', 'broken'])).code).toBe(2);
  });

  it('are described with expected and actual values side by side', async () => {
    hub.on(`GET ${PATH}/devices/lamp`, lamp);
    hub.on(`GET ${PATH}/devices/lamp/certificates`, { items: [] });
    const { out } = await cli(hub, ['describe', 'device/lamp']);
    expect(out).toContain('access:      modbus slave_id=3');
    expect(out).toMatch(/KEY +TYPE +EXPECTED +ACTUAL +PENDING +SET BY/);
    expect(out).toMatch(/level +int, % +40 \(cloud 3, edge 1; 60m ago\) +20 \(cloud 0, edge 9; 60s ago\) +yes +ann/);
  });

  it('are told what is expected of them', async () => {
    hub.on(`PUT ${PATH}/devices/lamp/expected`, lamp);
    const { out, code } = await cli(hub, ['set', 'device/lamp', 'level=40', 'mode=', 'old-', '--if-revision', '4']);
    expect([code, out]).toEqual([0, 'device/lamp set; level waits for the device; old is deleted\n']);
    expect(hub.asked[0]?.body).toEqual({ level: '40', mode: '', old: null });
    expect((await cli(hub, ['set', 'lamp', 'level'])).code).toBe(2);
  });

  it('need not be there for a key to be deleted', async () => {
    hub.on(`PUT ${PATH}/devices/lamp/expected`, lamp);
    const { out } = await cli(hub, ['set', 'lamp', 'level-', 'old-', 'older-']);
    expect(out).toBe('device/lamp set; old, older are deleted; level goes when the node hears of it\n');
  });

  it('have a history', async () => {
    const item = {
      key: 'level',
      side: 'actual',
      value: null,
      at: '2030-01-01T11:59:00.000Z',
      version: { cloud: 0, edge: 2 },
      by: 'app',
    };
    hub.on(`GET ${PATH}/devices/lamp/history`, { items: [item] });
    const { out } = await cli(hub, ['history', 'device/lamp', '--since', '2h', '--key', 'level']);
    expect(out).toMatch(/2030-01-01 11:59:00\.000Z +level +actual +\(deleted\) +cloud 0, edge 2 +app/);
    expect(hub.asked[0]?.query).toMatchObject({ key: 'level', since: '2030-01-01T10:00:00.000Z', limit: '100' });
    expect((await cli(hub, ['history', 'lamp', '--since', 'soon'])).code).toBe(2);
  });

  it('are shown as they were at a moment', async () => {
    hub.on(`GET ${PATH}/devices/lamp/twin`, { device: 'lamp', at: '2030-01-01T11:30:00.000Z', twin: { level } });
    const { out } = await cli(hub, ['history', 'device/lamp', '--at', '30m']);
    expect(out).toMatch(/level +int, % +40 \(cloud 3, edge 1; 60m ago\) +20 /);
    expect(hub.asked[0]?.query).toEqual({ at: '2030-01-01T11:30:00.000Z' });
    expect((await cli(hub, ['history', 'lamp', '--at', '30m', '--key', 'level'])).code).toBe(2);
  });

  it('are described with what they were granted', async () => {
    const spec = deviceSpec.parse({ grants: { publish: ['default/nodes/edge-1/user/#'] } });
    hub.on(`GET ${PATH}/devices/lamp`, { ...lamp, spec });
    hub.on(`GET ${PATH}/devices/lamp/certificates`, { items: [] });
    const { out } = await cli(hub, ['describe', 'device/lamp']);
    expect(out).toContain('May publish beside its own topics:\n  default/nodes/edge-1/user/#\n');
    expect(out).not.toContain('May subscribe');
  });

  it('are applied after their models and before apps', async () => {
    const documents = ['Client', 'Device', 'DeviceModel'].map((kind) => JSON.stringify({ kind, name: 'x', spec: {} }));
    const file = join(folder, 'all.yaml');
    writeFileSync(file, documents.join('\n---\n'));
    hub.on(`GET ${PATH}/devices/x`, (_asked, to) => {
      send(to, 200, { ...lamp, name: 'x', spec: deviceSpec.parse({}) });
    });
    for (const plural of ['device-models', 'clients'])
      hub.on(`PUT ${PATH}/${plural}/x`, (asked, to) => {
        const status = plural === 'clients' ? { certificates: 0 } : { devices: 0 };
        send(to, 200, { ...head, name: 'x', ...(asked.body as object), status });
      });
    const { out, err } = await cli(hub, ['apply', '-f', file]);
    expect([out, err]).toEqual(['device-model/x created\ndevice/x unchanged\nclient/x created\n', '']);
  });

  it('are deleted by name', async () => {
    hub.put('device-models', { name: 'm' });
    expect((await cli(hub, ['delete', 'device-model/m', '--yes'])).out).toBe('device-model/m deleted\n');
  });
});

it('a device model and a client are described', async () => {
  const spec = deviceModelSpec.parse({ properties: { level: { type: 'int', min: 0, max: 9 } } });
  hub.on(`GET ${PATH}/device-models/m`, { ...head, name: 'm', spec, status: { devices: 2 } });
  expect((await cli(hub, ['describe', 'device-model/m'])).out).toMatch(/level +int +rw +0 … 9/);
  const grants = { publish: ['a/#'], subscribe: [] };
  hub.on(`GET ${PATH}/clients/web`, {
    ...head,
    name: 'web',
    spec: { description: '', grants },
    status: { certificates: 1, login: 'robot' },
  });
  hub.on(`GET ${PATH}/clients/web/certificates`, { items: [] });
  expect((await cli(hub, ['describe', 'client/web'])).out).toMatch(/user name: +robot[\s\S]*May publish:\n {2}a\/#/);
});

describe('a certificate', () => {
  it('is issued into files, the key readable by its owner only, and never over one that is there', async () => {
    hub.on(`POST ${PATH}/devices/lamp/certificate`, issued);
    const out = join(folder, 'issued');
    const args = ['cert', 'issue', 'device/lamp', '--out', out];
    expect((await cli(hub, args)).code).toBe(0);
    expect(readFileSync(join(out, 'key.pem'), 'utf8')).toBe('KEY\n');
    expect(statSync(join(out, 'key.pem')).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(out, 'cert.pem'), 'utf8')).toBe('CHAIN\n');
    expect(readFileSync(join(out, 'ca.pem'), 'utf8')).toBe('CA\n');
    const again = await cli(hub, args);
    expect([again.code, hub.asked.length]).toEqual([2, 1]);
  });

  it('is issued for a signing request', async () => {
    hub.on(`POST ${PATH}/clients/web/certificate`, { ...issued, key: undefined });
    const csr = join(folder, 'web.csr');
    writeFileSync(csr, 'CSR');
    const { out } = await cli(hub, ['cert', 'issue', 'client/web', '--csr', csr, '--out', join(folder, 'web')]);
    expect(out).not.toContain('key.pem');
    expect(hub.asked[0]?.body).toEqual({ csr: 'CSR' });
  });

  it.each([
    ['cert', 'list', 'device/lamp'],
    ['get', 'certificates', 'device/lamp'],
  ])('of a device is listed by %s %s', async (...args) => {
    hub.on(`GET ${PATH}/devices/lamp/certificates`, { items: [] });
    expect((await cli(hub, args)).code).toBe(0);
  });
});
