import { deviceTopic, EdgeError, nodeTopic, twinBucket } from '@selvage/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { Uplink } from '../link/uplink.js';
import { actual, device, Disk, NODE, wantedDevice, World } from './test-world.js';

const LAMP = wantedDevice('lamp');
const wish = (value: string, cloud: number) => ({ value, version: { cloud, edge: 0 } });
const PACE_MS = 250;
const RETRY_MS = 1_000;

let world: World;
/** A life of the agent whose hub wants the lamp. */
async function started(disk = new Disk()): Promise<World> {
  world = new World(disk);
  await world.twins.start();
  world.twins.poke();
  if (disk.position === null) await world.want([LAMP]);
  await world.quiet();
  return world;
}
afterEach(() => world.twins.stop());

describe('an update', () => {
  it('is answered and acknowledged when it is on the disk, and not before', async () => {
    await started();
    world.said.length = 0;
    await world.publish('lamp', 'twin/update', actual({ power: 'on' }));
    expect(new TextDecoder().decode(world.disk.records.get('t/lamp'))).toContain('"power"');
    await world.quiet();
    expect(world.said.map(({ topic }) => topic)).toEqual([
      deviceTopic('lamp', 'twin/update/result'),
      deviceTopic('lamp', 'twin/update/document'),
    ]);
  });

  it('is refused while the disk fails, says nothing, and counts on from there when it works again', async () => {
    await started();
    world.said.length = 0;
    world.broken = new Error('EIO');
    await expect(world.publish('lamp', 'twin/update', actual({ power: 'on' }))).rejects.toMatchObject({
      code: 'internal',
    });
    await expect(world.publish('lamp', 'twin/get', { event_id: 'g' })).rejects.toThrow('EIO');
    expect(world.said).toEqual([]);
    expect(world.twins.statusOf('lamp')?.twin).toEqual({});
    world.broken = undefined;
    await world.publish('lamp', 'twin/update', actual({ power: 'on' }));
    await world.quiet();
    expect(world.heard('lamp', 'twin/update/result')).toHaveLength(1);
    expect(world.twins.statusOf('lamp')?.twin.power?.actual).toMatchObject({ version: { cloud: 0, edge: 2 } });
    expect(world.log).toEqual(['twins could not be stored; it is tried again', 'twins are stored again']);
  });

  it('that could not be stored is written by itself later, so that memory and disk agree', async () => {
    await started();
    world.broken = new Error('EIO');
    await expect(world.publish('lamp', 'twin/update', actual({ power: 'on' }))).rejects.toThrow();
    world.broken = undefined;
    await world.clock.advance(RETRY_MS);
    expect(world.twins.statusOf('lamp')?.twin.power?.actual).toMatchObject({ value: 'on' });
  });

  it('is refused while its event cannot be stored', async () => {
    await started();
    world.said.length = 0;
    world.brokenEvents = new EdgeError('overloaded', 'full');
    await expect(world.publish('lamp', 'twin/update', actual({ power: 'on' }))).rejects.toMatchObject({
      code: 'overloaded',
    });
    await world.publish('lamp', 'twin/get', { event_id: 'g' });
    await world.quiet();
    expect(world.said.map(({ topic }) => topic)).toEqual([deviceTopic('lamp', 'twin/get/result')]);
    world.brokenEvents = undefined;
    const update = JSON.stringify(actual({ power: 'on' }));
    await world.send(deviceTopic('lamp', 'twin/update'), update, { kind: 'app', id: 'gateway' });
    expect(world.disk.events).toMatchObject([{ device: 'lamp', key: 'power', value: 'on', by: 'gateway' }]);
  });

  it('among many is answered in order, and one record is written for as many as came meanwhile', async () => {
    await started();
    world.said.length = 0;
    world.puts.length = 0;
    const all = Array.from({ length: 100 }, (_, at) => actual({ n: String(at) }, String(at)));
    await Promise.all(all.map((body) => world.publish('lamp', 'twin/update', body)));
    await world.twins.stop();
    const results = world.heard('lamp', 'twin/update/result') as { event_id: string }[];
    expect(results.map(({ event_id }) => event_id)).toEqual(all.map((_, at) => String(at)));
    expect(world.puts).toEqual(['t/lamp']);
    expect(world.disk.events.map(({ value }) => value)).toEqual(all.map((_, at) => String(at)));
  });

  it('is refused when more waits than memory is for', async () => {
    await started();
    const keys = Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`key-${at}`, 'x'.repeat(500)]));
    const all = Array.from({ length: 150 }, () => world.publish('lamp', 'twin/update', actual(keys)));
    const settledAll = await Promise.allSettled(all);
    const refused = settledAll.filter(({ status }) => status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]).toMatchObject({ reason: { code: 'overloaded' } });
    const stored = world.twins.statusOf('lamp')?.twin['key-0']?.actual?.version.edge;
    expect(stored).toBe(150 - refused.length);
  });

  it('is refused when the disk hangs, and stored when it answers again', async () => {
    await started();
    world.hung = true;
    const refused = expect(world.publish('lamp', 'twin/update', actual({ n: '1' }))).rejects.toMatchObject({
      code: 'deadline_exceeded',
    });
    await world.clock.advance(30_000);
    await refused;
    world.hung = false;
    await world.clock.advance(RETRY_MS);
    expect(world.twins.statusOf('lamp')?.twin.n?.actual).toMatchObject({ value: '1', version: { edge: 1 } });
  });

  it('is acknowledged whether or not the broker takes the answers', async () => {
    await started();
    world.deaf = true;
    await world.publish('lamp', 'twin/update', actual({ n: '1' }));
    await world.publish('lamp', 'twin/update', actual({ n: '2' }));
    expect(world.twins.statusOf('lamp')?.twin.n?.actual?.version.edge).toBe(2);
    const stopped = world.twins.stop();
    await world.clock.advance(2_000);
    await stopped;
    expect(world.log).toEqual(['the broker did not take the last answers']);
  });

  it('of a device that the hub does not want is refused with a 404', async () => {
    await started();
    await world.publish('ghost', 'twin/update', actual({ a: '1' }));
    await world.quiet();
    expect(world.heard('ghost', 'twin/update/result')).toMatchObject([{ code: 404 }]);
    expect(world.disk.records.has('t/ghost')).toBe(false);
  });
});

describe('after a restart', () => {
  it('everything is there without the hub, the versions go on', async () => {
    await started();
    await world.publish('lamp', 'twin/update', actual({ power: 'on' }));
    await world.twins.stop();
    const { disk } = world;
    disk.position = null;
    disk.sections.clear();
    world = new World(disk);
    await world.twins.start();
    world.twins.poke();
    await world.publish('lamp', 'twin/update', actual({ power: 'off' }));
    expect(world.twins.statusOf('lamp')?.twin.power?.actual).toMatchObject({ value: 'off', version: { edge: 2 } });
    await world.quiet();
    expect(world.said.map(({ topic }) => topic)).not.toContain(nodeTopic('node-1', 'membership/updated'));
  });

  it('a damaged record costs one device its twin, and is logged', async () => {
    const disk = new Disk();
    await started(disk);
    await world.want([LAMP, wantedDevice('fan')]);
    await world.publish('fan', 'twin/update', actual({ speed: '3' }));
    await world.twins.stop();
    disk.records.set('t/lamp', Buffer.from('{"id":"lamp","twin":{"a":7}}'));
    await started(disk);
    expect(world.log).toContain('the record of a device is damaged: its twin starts anew');
    expect(world.twins.statusOf('lamp')).toMatchObject({ twin: {} });
    expect(world.twins.statusOf('fan')).toMatchObject({ twin: { speed: { actual: { value: '3' } } } });
  });

  it('as another node it has forgotten its devices', async () => {
    const disk = new Disk();
    await started(disk);
    await world.twins.stop();
    disk.records.set('twins/owner', Buffer.from('another'));
    disk.position = null;
    world = new World(disk);
    await world.twins.start();
    world.twins.poke();
    await world.quiet();
    expect([...disk.records.keys()]).toEqual(['twins/owner']);
    expect(world.twins.statusOf('lamp')).toBeUndefined();
  });

  it('a device is told again what is expected of it', async () => {
    const disk = new Disk();
    await started(disk);
    await world.want([LAMP], [{ id: 'lamp', expected: { power: wish('on', 1) } }]);
    await world.twins.stop();
    await started(disk);
    expect(world.said.map(({ topic }) => topic)).toEqual([deviceTopic('lamp', 'twin/update/delta')]);
  });
});

describe('what the hub wants', () => {
  it('comes in the order that devices know, and again only when it changed', async () => {
    await started();
    const twins = [{ id: 'lamp', expected: { power: wish('on', 1) } }];
    await world.want([LAMP], twins);
    expect(world.said.map(({ topic }) => topic)).toEqual([
      nodeTopic('node-1', 'membership/updated'),
      deviceTopic('lamp', 'twin/update/document'),
      deviceTopic('lamp', 'twin/update/delta'),
    ]);
    await world.want([LAMP], twins);
    expect(world.said).toHaveLength(3);
    await world.want([]);
    expect(world.disk.records.has('t/lamp')).toBe(false);
    expect(world.heard('lamp', 'twin/update/delta')).toHaveLength(1);
    await world.clock.advance(PACE_MS);
    expect(world.report(twinBucket('lamp'))).toEqual({ devices: [] });
  });

  it('is told to the device when it is stored at last, the newest of it too', async () => {
    await started();
    world.said.length = 0;
    world.broken = new Error('ENOSPC');
    await world.want([LAMP], [{ id: 'lamp', expected: { power: wish('on', 1) } }]);
    await world.want([LAMP], [{ id: 'lamp', expected: { power: wish('off', 2) } }]);
    expect(world.said).toEqual([]);
    world.broken = undefined;
    await world.clock.advance(RETRY_MS);
    await world.quiet();
    expect(world.heard('lamp', 'twin/update/delta')).toMatchObject([
      { delta: { power: 'on' } },
      { delta: { power: 'off' } },
    ]);
  });

  it('is left alone while it cannot be read', async () => {
    await started();
    world.disk.sections.set('devices', new EdgeError('bad_request', 'newer'));
    world.twins.poke();
    await world.quiet();
    expect(world.twins.statusOf('lamp')).toBeDefined();
    expect(world.log).toEqual(['what the hub wants of the devices could not be read']);
  });
});

describe('the report', () => {
  it('holds what is stored, in buckets, and is encoded at a pace', async () => {
    await started();
    await world.clock.advance(PACE_MS);
    const name = twinBucket('lamp');
    const changes: string[] = [];
    world.reported.onChange((section) => changes.push(section));
    for (let at = 0; at < 50; at += 1) {
      await world.publish('lamp', 'twin/update', actual({ n: String(at) }));
      await world.clock.advance(10);
    }
    await world.clock.advance(PACE_MS);
    expect(changes.length).toBeLessThan(5);
    expect(new Set(changes)).toEqual(new Set([name]));
    expect(world.report(name)).toMatchObject({ devices: [{ id: 'lamp', twin: { n: { actual: { value: '49' } } } }] });
  });

  it('of values that changed while the hub was away is what the next connection sends', async () => {
    await started();
    await world.publish('lamp', 'twin/update', actual({ power: 'off' }));
    await world.clock.advance(PACE_MS);
    const held = world.reported.hashes();
    await world.publish('lamp', 'twin/update', actual({ power: 'on' }));
    await world.clock.advance(PACE_MS);
    const sent: string[] = [];
    const { reported, clock } = world;
    const log = { error: () => undefined };
    const uplink = new Uplink({
      ...{ reported, clock, log },
      send: (frame) => {
        if (frame.t === 'report') sent.push(Buffer.from(frame.section.body).toString());
      },
    });
    uplink.start(held);
    uplink.stop();
    expect(sent).toHaveLength(1);
    expect(sent[0]).toContain('"value":"on"');
  });
});

describe('the state of a device', () => {
  it('follows its connection, and its own word counts for more until it comes again', async () => {
    await started();
    const state = async (): Promise<unknown> => {
      await world.quiet();
      return world.twins.statusOf('lamp')?.state;
    };
    world.connect('lamp', true);
    expect(await state()).toBe('online');
    world.connect('lamp', false);
    expect(await state()).toBe('offline');
    world.connect('lamp', true);
    await world.publish('lamp', 'state/update', { event_id: 's', state: 'unhealthy' });
    world.connect('lamp', false);
    expect(await state()).toBe('unhealthy');
    world.connect('lamp', true);
    await world.publish('lamp', 'state/update', { event_id: 's', state: 'ok' });
    world.connect('lamp', false);
    expect(await state()).toBe('offline');
    expect(world.heard('lamp', 'state/update/result')).toHaveLength(2);
  });

  it('is offline after a restart of the agent when it was connected before', async () => {
    const disk = new Disk();
    await started(disk);
    world.connect('lamp', true);
    await world.quiet();
    await world.twins.stop();
    await started(disk);
    expect(world.twins.statusOf('lamp')).toMatchObject({ state: 'offline' });
  });
});

describe('other questions', () => {
  it('which devices there are', async () => {
    await started();
    await world.send(nodeTopic('node-1', 'membership/get'), '{"event_id":"m"}', device('lamp'));
    await world.quiet();
    expect(world.said.at(-1)).toMatchObject({ payload: { event_id: 'm', devices: [{ id: 'lamp' }] } });
  });

  it('what an encrypted value is: answered to those with a certificate', async () => {
    await started();
    world.said.length = 0;
    world.disk.sections.set('encrypted', { datas: [{ name: 'db', properties: { password: 'secret' } }] });
    const ask = async (place: string, from = device('lamp')): Promise<unknown> => {
      await world.send(`$hw/${place}/decrypt`, '', from);
      await world.quiet();
      return world.said.pop();
    };
    const place = `${NODE.project}/encryptdatas/db/properties`;
    expect(await ask(`${place}/password`)).toEqual({
      topic: `$hw/${place}/password/plaintext`,
      payload: { ret_code: 200, plain_text: 'secret' },
    });
    expect(await ask(`${place}/user`)).toMatchObject({ payload: { ret_code: 400 } });
    expect(await ask(`${place}/password`, { kind: 'local', id: 'x' })).toBeUndefined();
    expect(await ask('other/encryptdatas/db/properties/password')).toBeUndefined();
  });
});
