import { desiredDevice, desiredTwins } from '@selvage/protocol';
import { describe, expect, it } from 'vitest';
import { bindingFrom, syncExpected } from './desired.js';
import { handle, rebind } from './machine.js';
import { reportedTwins } from './report.js';
import { at, binding, EMPTY, keyOf, LAMP, lampNode, said, tell, topics, update } from './test-lamp.js';

const wanted = desiredDevice.parse({
  id: LAMP,
  name: 'Lamp',
  description: 'in the hall',
  properties: { level: { type: 'int', max: 9, optional: false } },
  attributes: { place: { value: 'hall' } },
  visitors: {},
  credentials: { fingerprints: [], logins: [] },
});
const MEMBERSHIP = '$hw/events/node/node-1/membership/updated';

describe('binding', () => {
  it('a device tells its twin, its attributes and its membership', () => {
    const handled = rebind(EMPTY, [bindingFrom(wanted)], at(5));
    expect(handled.out.map(({ topic }) => topic)).toEqual([
      '$hw/events/device/lamp/twin/update/document',
      '$hw/events/device/lamp/updated',
      MEMBERSHIP,
    ]);
    expect(said(handled, 'membership/updated')).toEqual({
      event_id: 'id',
      timestamp: 5,
      added_devices: [
        {
          id: LAMP,
          name: 'Lamp',
          description: 'in the hall',
          state: 'unknown',
          attributes: { place: { value: 'hall', optional: true, metadata: { type: 'string' } } },
          twin: { level: { optional: false, metadata: { type: 'int' } } },
        },
      ],
      removed_devices: null,
    });
  });

  it('again what is bound changes nothing and says nothing', () => {
    const { node } = rebind(EMPTY, [bindingFrom(wanted)], at(5));
    const again = rebind(node, [bindingFrom(wanted)], at(6));
    expect(again.node).toBe(node);
    expect(again.out).toEqual([]);
  });

  it('keeps what the twin holds when the rest of the device changes', () => {
    const node = update(rebind(EMPTY, [bindingFrom(wanted)], at(5)).node, { level: { actual: { value: '3' } } }).node;
    const next = rebind(node, [bindingFrom({ ...wanted, name: 'Light', attributes: {} })], at(6));
    expect(keyOf(next.node, 'level')).toBe(keyOf(node, 'level'));
    expect(next.node.devices.get(LAMP)?.name).toBe('Light');
    expect(said(next, '/updated')).toMatchObject({ attributes: { place: null } });
  });

  it('a new model gives a key its new type and drops the value that is none of it', () => {
    const node = update(lampNode({ k: { type: 'string' }, n: { type: 'string' } }), {
      k: { actual: { value: 'high' } },
      n: { actual: { value: '7' } },
    }).node;
    const next = rebind(node, [binding({ k: { type: 'int' }, n: { type: 'int' } })], at(6)).node;
    expect(keyOf(next, 'k')).toEqual({ type: 'int', optional: true, actual: { version: { cloud: 0, edge: 1 } } });
    expect(keyOf(next, 'n')).toMatchObject({ type: 'int', actual: { value: '7' } });
  });

  it('again does not bring back a key that was deleted', () => {
    const gone = update(lampNode({ k: { type: 'int' } }), { k: null }).node;
    expect(rebind(gone, [binding({ k: { type: 'int' } })], at(6)).node).toBe(gone);
  });

  it('releases what is no longer wanted, after which the device is unknown', () => {
    const released = rebind(lampNode(), [], at(6));
    expect(said(released, 'membership/updated')).toEqual({
      event_id: 'id',
      timestamp: 6,
      added_devices: null,
      removed_devices: [{ id: LAMP, name: 'Lamp' }],
    });
    expect(said(update(released.node, {}), 'update/result')).toMatchObject({ code: 404 });
  });

  it('in the form of KubeEdge: one membership message for each device, and silence for an unknown one', () => {
    const say = (body: object, of = 'membership') =>
      handle(lampNode(), { from: 'cloud', topic: `node/node-1/${of}`, payload: JSON.stringify(body) }, at(7));
    const both = say({ added_devices: [{ id: 'b' }, { id: 'c' }], removed_devices: [{ id: LAMP }, { id: 'ghost' }] });
    expect(both.out.map(({ topic }) => topic)).toEqual([MEMBERSHIP, MEMBERSHIP, MEMBERSHIP]);
    expect([...both.node.devices.keys()]).toEqual(['b', 'c']);
    const detail = say({ devices: [{ id: LAMP }, { id: 'b' }] }, 'membership/detail');
    expect([...detail.node.devices.keys()]).toEqual([LAMP, 'b']);
    expect(detail.out).toHaveLength(1);
  });

  it('is listed without twins; a malformed question gets a 400', () => {
    const ask = (payload: string) =>
      handle(lampNode(), { from: 'mqtt', topic: '$hw/events/node/node-1/membership/get', payload }, at(7));
    expect(said(ask('{"event_id":"m"}'), 'get/result')).toEqual({
      event_id: 'm',
      timestamp: 7,
      devices: [{ id: LAMP, name: 'Lamp', state: 'unknown' }],
    });
    expect(said(ask('nope'), 'get/result')).toMatchObject({
      event_id: '',
      code: 400,
      reason: expect.stringContaining('Unmarshal get membership info nope failed , err: ') as unknown,
    });
  });
});

describe('section twins', () => {
  const section = (value: string | null, cloud: number, edge = 0) =>
    desiredTwins.parse({
      devices: [
        { id: LAMP, expected: { level: { value, version: { cloud, edge } } } },
        { id: 'ghost', expected: { level: { value, version: { cloud, edge } } } },
      ],
    });

  it('sets, replays in silence, and deletes', () => {
    const set = syncExpected(lampNode({ level: { type: 'int' } }), section('3', 1), at(8));
    expect(topics(set)).toEqual(['update/document', 'update/delta']);
    expect(syncExpected(set.node, section('3', 1), at(9))).toMatchObject({ node: set.node, out: [], changes: [] });
    const gone = syncExpected(set.node, section(null, 2), at(9));
    expect(keyOf(gone.node, 'level')).toMatchObject({ type: 'deleted', expected: { version: { cloud: 2, edge: 0 } } });
    expect(syncExpected(gone.node, section(null, 2), at(9)).node).toBe(gone.node);
  });

  it('gives way to what the edge has set, and the report says so', () => {
    const set = syncExpected(lampNode(), section('3', 1), at(8)).node;
    const edge = update(set, { level: { expected: { value: '4' } } }).node;
    const late = syncExpected(edge, section('5', 2), at(9));
    expect(late.node).toBe(edge);
    expect(reportedTwins(late.node).devices[0]?.twin).toMatchObject({
      level: { expected: { value: '4', version: { cloud: 1, edge: 1 } } },
    });
  });
});

describe('a state', () => {
  it('of a device is stored with the time it was online', () => {
    const online = tell(lampNode(), { state: 'OK' }, { of: 'state/update', now: 10 });
    const offline = tell(online.node, { event_id: 's', state: 'offline' }, { of: 'state/update', now: 20 });
    expect(offline.node.devices.get(LAMP)).toMatchObject({ state: 'offline', lastOnlineAt: 10 });
    expect(said(online, 'state/update/result')).toMatchObject({ event_id: 'id' });
  });
});
