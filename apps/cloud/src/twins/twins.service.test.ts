import {
  type Device,
  desiredTwins,
  historyPage,
  MAX_TWIN_KEYS,
  type ReportedDevice,
  type StoredTwin,
  type TwinChange,
  twinView,
} from '@selvage/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Retention } from '../db/index.js';
import { DIALECTS, testDatabases } from '../db/test-databases.js';
import { MessageRegistry } from '../link/index.js';
import { at, device, DevicesStage, model } from '../devices/test-devices.js';
import { Expected } from './expected.service.js';
import { OldTwinEvents } from './forgetting.service.js';
import { History } from './history.service.js';
import { TwinStore } from './twin-store.service.js';
import { TwinsDesired } from './twins.desired.js';
import { twinHandlers, twinMessages } from './twins.link.js';
import { twinsSchema } from './twins.module.js';
import { Twins } from './twins.service.js';
import { TwinEventRow, TwinKeyRow } from './twins.entity.js';

const properties = { level: { type: 'int', max: 100 }, heat: { type: 'float', access: 'r' } };
const START = Date.now() - 3_600_000;
const iso = (ms: number): string => new Date(ms).toISOString();

describe.each(DIALECTS)('on %s', (dialect) => {
  const databases = testDatabases(dialect);
  let stage: DevicesStage;
  let twins: Twins;
  let expected: Expected;
  let history: History;
  let retention: Retention;
  let section: TwinsDesired;
  beforeAll(async () => {
    stage = await DevicesStage.open(await databases.fresh(), twinsSchema);
    const { db, config, log } = stage.base;
    const store = new TwinStore(db);
    twins = new Twins(db, store, stage.devices, stage.notes, stage.signals);
    expected = new Expected(db, store, stage.devices, stage.notes, stage.signals);
    history = new History(db, config, store, stage.devices);
    retention = new Retention(db, log);
    new OldTwinEvents(db, config).addTo(retention);
    section = new TwinsDesired(stage.devices, store);
    stage.hooks.twinsBy((devices) => twins.shown(devices));
    stage.hooks.follow(twins);
    for (const node of ['edge-1', 'edge-2']) stage.base.sessions.open({ project: 'default', node });
    await stage.models.put(at('lamp'), model({ properties }));
  });
  afterAll(() => stage.close());
  beforeEach(() => {
    stage.quiet();
  });

  const made = (name: string): Promise<Device> => stage.writes.put(at(name), device({ model: 'lamp', node: 'edge-1' }));
  const set = (name: string, write: Record<string, string | number | boolean | null>, ifMatch?: number) =>
    expected.set(at(name, ifMatch), 'ann', write);
  /** A report of one device, through the handler that the link calls. */
  async function report(
    id: string,
    twin: StoredTwin,
    more: Partial<ReportedDevice> & { node?: string } = {},
  ): Promise<void> {
    const { node = 'edge-1', ...said } = more;
    const handler = twinHandlers(twins).find((one) => one.section === 'twins.0f');
    const value = { devices: [{ id, state: 'online', twin, ...said }] };
    const reports = [{ ref: { project: 'default', node }, value, at: iso(Date.now()) }];
    await stage.base.db.write((tx) => handler?.apply(tx, reports) ?? Promise.resolve());
    handler?.committed?.(reports);
  }
  const forgotten = async (): Promise<number[]> => [...(await retention.run()).values()];
  const record = async (changes: readonly TwinChange[], node = 'edge-1'): Promise<void> => {
    twins.told(await stage.base.db.write((tx) => twins.record(tx, [{ ref: { project: 'default', node }, changes }])));
  };
  const actual = (value: string, edge: number, ms = START + edge): StoredTwin => ({
    level: { type: 'int', optional: true, actual: { value, at: ms, version: { cloud: 0, edge } } },
  });
  const change = (name: string, value: string | null, edge: number, more: Partial<TwinChange> = {}): TwinChange => ({
    ...{ device: name, key: 'level', side: 'actual', value, at: START + edge, version: { cloud: 0, edge }, by: name },
    ...more,
  });
  const read = async (name: string) => (await stage.devices.get('default', name)).status;
  const events = async (name: string, query: object = {}) => {
    const page = await history.list('default', name, { limit: 100, ...query });
    expect(historyPage.parse(page)).toEqual(page);
    return page.items.map(({ key, side, value, by }) => [key, side, value, by]);
  };
  const wanted = async (node: string, id: string) => {
    const all = (await section.compile([{ project: 'default', node }])).get(`default/${node}`);
    expect(desiredTwins.parse(all)).toEqual(all);
    return all?.devices.find((one) => one.id === id)?.expected;
  };

  it('an expected value goes to the node and is pending until the device has taken it', async () => {
    const { revision } = await made('a1');
    stage.quiet();
    const after = await set('a1', { level: 20 });
    expect(after.revision).toBeGreaterThan(revision);
    expect(after.status.twin.level).toMatchObject({ expected: { value: '20', by: 'ann' }, pending: true });
    expect(stage.poked).toEqual(['default/edge-1']);
    expect(stage.changed).toEqual(['device a1']);
    expect(await wanted('edge-1', 'a1')).toEqual({
      level: { value: '20', version: { cloud: 1, edge: 0 }, type: 'int' },
    });
    await report('a1', {
      level: {
        ...{ type: 'int', optional: true },
        expected: { value: '20', at: START, version: { cloud: 1, edge: 0 } },
        actual: { value: '20', at: START + 1, version: { cloud: 0, edge: 1 } },
      },
    });
    expect((await read('a1')).twin.level).toMatchObject({ actual: { value: '20', by: 'a1' }, pending: false });
    expect(await read('a1')).toMatchObject({ state: 'online', reported: 'online', lastSeenAt: iso(START + 1) });
    expect((await set('a1', { level: '20' })).revision).toBe(after.revision);
  });

  it('a write is guarded by the revision that was read', async () => {
    const { revision } = await made('a2');
    await set('a2', { level: 1 }, revision);
    await expect(set('a2', { level: 2 }, revision)).rejects.toMatchObject({ code: 'conflict' });
    await expect(set('a2', { heat: 2 })).rejects.toMatchObject({ code: 'bad_request' });
    await expect(set('nobody', { heat: 2 })).rejects.toMatchObject({ code: 'not_found' });
  });

  it('the edge wins where hub and edge set a value at once, and the node is told the result', async () => {
    await made('a3');
    await set('a3', { level: 1 });
    await set('a3', { level: 2 });
    stage.quiet();
    const before = await stage.base.db.revision();
    const said = { value: '9', at: START, version: { cloud: 1, edge: 1 } };
    await report('a3', { level: { type: 'int', optional: true, expected: said } });
    expect(await wanted('edge-1', 'a3')).toMatchObject({ level: { value: '9', version: { cloud: 2, edge: 1 } } });
    expect(stage.poked).toEqual(['default/edge-1']);
    expect(await stage.base.db.revision()).toBeGreaterThan(before);
    expect(await events('a3')).toContainEqual(['level', 'expected', '9', 'edge-1']);
  });

  it('the same report again writes nothing and tells nobody', async () => {
    await made('a4');
    await report('a4', actual('5', 1));
    stage.quiet();
    await report('a4', actual('5', 1));
    expect(stage.changed).toEqual([]);
    expect(await events('a4')).toEqual([['level', 'actual', '5', 'a4']]);
  });

  it('a node says nothing about devices of another node, or that do not exist', async () => {
    await made('a5');
    await report('a5', actual('5', 1), { node: 'edge-2' });
    await report('no-such', actual('5', 1));
    expect((await read('a5')).twin.level).not.toHaveProperty('actual');
  });

  it('changes are events once, however often and in which order they come, and the newest counts', async () => {
    await made('a6');
    await report('a6', actual('7', 7));
    const all = [5, 6, 7].map((edge) => change('a6', String(edge), edge, { by: 'app-1' }));
    await record(all);
    await record(all);
    expect(await events('a6')).toEqual([
      ['level', 'actual', '7', 'app-1'],
      ['level', 'actual', '6', 'app-1'],
      ['level', 'actual', '5', 'app-1'],
    ]);
    expect((await read('a6')).twin.level?.actual).toMatchObject({ value: '7', version: { cloud: 0, edge: 7 } });
    await record([change('a6', '8', 8), change('a6', null, 9)]);
    expect((await read('a6')).twin.level).not.toHaveProperty('actual');
  });

  it('changes come as messages, and who looks is told', async () => {
    await made('c1');
    stage.quiet();
    const registry = new MessageRegistry();
    registry.addJson(twinMessages(twins));
    const body = Buffer.from(JSON.stringify({ changes: [change('c1', '5', 1), change('c1', '6', 2)] }));
    const ref = { project: 'default', node: 'edge-1' };
    const message = { ref, epoch: 'e', seq: 1, lane: 'twins', at: START, body };
    const refused: unknown[] = [];
    const refuse = (_message: unknown, why: unknown): void => void refused.push(why);
    const bad = { ...message, seq: 2, body: Buffer.from('{"changes":7}') };
    await stage.base.db.write((tx) => registry.get('twins')?.apply(tx, [message, bad], refuse) ?? Promise.resolve());
    registry.get('twins')?.committed?.([message]);
    expect(refused).toMatchObject([{ code: 'bad_request' }]);
    expect(stage.changed).toEqual(['device c1']);
    expect(await read('c1')).toMatchObject({ lastSeenAt: iso(START + 2), twin: { level: { actual: { value: '6' } } } });
  });

  it('what the hub did keeps its name when the node passes it on', async () => {
    await made('a7');
    await set('a7', { level: 3 });
    await record([change('a7', '3', 0, { side: 'expected', version: { cloud: 1, edge: 0 }, by: 'hub' })]);
    expect(await events('a7')).toEqual([['level', 'expected', '3', 'ann']]);
  });

  it('a device on another node begins anew there, and what the old node sends late is history only', async () => {
    await made('a8');
    await report('a8', actual('50', 50));
    await stage.writes.patch(at('a8'), { spec: { node: 'edge-2' } });
    await report('a8', actual('1', 1, START - 60_000), { node: 'edge-2' });
    await record([change('a8', '51', 51)], 'edge-1');
    expect((await read('a8')).twin.level?.actual).toMatchObject({ value: '1', version: { cloud: 0, edge: 1 } });
    expect((await events('a8')).map(([, , value]) => value)).toEqual(['51', '50', '1']);
  });

  it('a key is deleted on the node first, and then is gone', async () => {
    await made('a9');
    await set('a9', { level: 4 });
    await report('a9', actual('4', 1));
    await set('a9', { level: null });
    expect(await wanted('edge-1', 'a9')).toMatchObject({ level: { value: null, version: { cloud: 2, edge: 0 } } });
    expect((await read('a9')).twin.level).toMatchObject({ pending: true, actual: { value: '4' } });
    const gone = { expected: { version: { cloud: 2, edge: 0 } }, actual: { version: { cloud: 0, edge: 1 } } };
    await report('a9', { level: { type: 'deleted', optional: true, ...gone } });
    expect(await wanted('edge-1', 'a9')).toBeUndefined();
    expect((await read('a9')).twin.level).toMatchObject({ pending: false });
  });

  it('a property that the model loses is deleted from the twins of its devices', async () => {
    await stage.models.put(at('m1'), model({ properties: { ...properties, extra: { type: 'string' } } }));
    await stage.writes.put(at('b1'), device({ model: 'm1', node: 'edge-1' }));
    await set('b1', { extra: 'x', level: 1 });
    await stage.models.patch(at('m1'), { spec: { properties: { extra: null } } });
    expect(await wanted('edge-1', 'b1')).toMatchObject({ extra: { value: null }, level: { value: '1' } });
    expect((await read('b1')).twin).not.toHaveProperty('extra');
  });

  it('was at any moment what the events say', async () => {
    await made('b2');
    await record([change('b2', '1', 1), change('b2', '2', 20_000), change('b2', null, 40_000)]);
    const then = async (ms: number): Promise<string | undefined> => {
      const view = await history.twin('default', 'b2', iso(ms).replace('.000Z', 'Z'));
      expect(twinView.parse(view)).toEqual(view);
      return view.twin.level?.actual?.value;
    };
    expect(await then(START)).toBeUndefined();
    expect(await then(START + 1)).toBe('1');
    expect(await then(START + 19_999)).toBe('1');
    expect(await then(START + 20_000)).toBe('2');
    expect(await then(START + 50_000)).toBeUndefined();
    expect((await history.twin('default', 'b2', undefined)).twin.level).not.toHaveProperty('actual');
    await expect(then(START - 40 * 86_400_000)).rejects.toThrow(/30 days/);
  });

  it('the history is narrowed and read in pages', async () => {
    await made('b3');
    await set('b3', { level: 1 });
    await record([1, 2, 3, 4].map((edge) => change('b3', String(edge), edge)));
    expect(await events('b3', { side: 'expected' })).toHaveLength(1);
    expect(await events('b3', { key: 'heat' })).toEqual([]);
    const range = { since: iso(START + 2), until: iso(START + 3) };
    expect((await events('b3', range)).map(([, , value]) => value)).toEqual(['3', '2']);
    const seen: (string | null)[] = [];
    for (let cursor: string | undefined, page = 0; page < 5; page += 1) {
      const part = await history.list('default', 'b3', { limit: 2, ...(cursor !== undefined && { cursor }) });
      seen.push(...part.items.map(({ value }) => value));
      cursor = part.cursor;
      if (cursor === undefined) break;
    }
    expect(seen).toEqual(['1', '4', '3', '2', '1']);
    await expect(history.list('default', 'b3', { limit: 2, cursor: 'x' })).rejects.toMatchObject({
      code: 'invalid_cursor',
    });
  });

  it('old events are forgotten, all but the one that says how it was then, and those of deleted devices', async () => {
    await made('b4');
    const old = Date.now() - 40 * 86_400_000;
    await record([1, 2, 3].map((edge) => change('b4', String(edge), edge, { at: old + edge })));
    await record([change('b4', '4', 4)]);
    expect(await forgotten()).toEqual([2, 0, 0]);
    expect((await events('b4')).map(([, , value]) => value)).toEqual(['4', '3']);
    const { id } = await stage.devices.known('default', 'b4');
    await stage.writes.remove(at('b4'));
    expect(await stage.base.db.read.countBy(TwinKeyRow, { device: id })).toBe(0);
    expect(await forgotten()).toEqual([0, 2, 1]);
    expect(await stage.base.db.read.countBy(TwinEventRow, { device: id })).toBe(0);
    expect(await forgotten()).toEqual([0, 0, 0]);
  });

  it('a node cannot fill the database with keys, or poison a batch with what no device says', async () => {
    await made('b5');
    const keys = Array.from({ length: MAX_TWIN_KEYS + 10 }, (_, index) => [`k${index}`, actual('1', 1).level] as const);
    const bad = {
      type: 'string',
      optional: true,
      actual: { value: 'a\u0000b', at: 1, version: { cloud: 0, edge: 1 } },
    };
    await report('b5', Object.fromEntries([['bad', bad], ...keys]) as StoredTwin, { state: 'on\u0000line' });
    const status = await read('b5');
    expect(status.state).toBe('unknown');
    expect(Object.keys(status.twin)).toHaveLength(MAX_TWIN_KEYS + 2);
    expect(status.twin).not.toHaveProperty('bad');
    await record([change('b5', '1', 1, { at: Number.MAX_SAFE_INTEGER, by: 'a\u0000', key: 'k0' })]);
    expect(await events('b5', { key: 'k0', limit: 1 })).toEqual([['k0', 'actual', '1', 'a?']]);
  });
});
