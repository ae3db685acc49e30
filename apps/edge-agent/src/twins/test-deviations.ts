/** Where our answers differ from those that were recorded, by scenario/step of `twin-golden.json`. */

export interface ExpectedOut {
  readonly to: string;
  readonly topic: string;
  readonly payload: unknown;
}
interface Deviation {
  readonly why: string;
  readonly out: readonly ExpectedOut[];
}

const EVENTS = '$hw/events/device';
const BAD_KEY_OR_VALUE = (what: 'key' | 'value', length: number): string =>
  `The ${what} of twin must only include upper or lowercase letters, number, english, and special letter - _ . , : / @ # ` +
  `and the length of ${what} should be less than ${length} bytes`;
const UNREADABLE = 'Unmarshal update request body failed, please check the request';
const OWN_TOPIC = "errors go to the device's own topic and echo the caller's event_id whenever it can be parsed";
const OWN_EVENT_ID = 'the result of a state update echoes the event_id of the caller';
const NO_NEWS = 'an update that changes nothing brings its result and no delta';

const STATE = { expected: value('running'), optional: false, metadata: { type: 'string' } };
const TEMP = { expected: value('33'), optional: true, metadata: { type: 'int' } };
const MODE = { expected: value('eco'), optional: true, metadata: { type: 'string' } };

export const DEVIATIONS: Readonly<Record<string, Deviation>> = {
  '0/10': { why: NO_NEWS, out: [result({ event_id: 'u7', twin: {} })] },
  '0/11': { why: NO_NEWS, out: [result({ event_id: 'u8', twin: {} })] },
  '1/6': { why: 'a replay of the same sync version changes nothing, so that nothing is said', out: [] },
  '1/8': {
    why: "a sync of the wrong type is refused with the edge's own value instead of in silence",
    out: [
      delta({ state: STATE, temp: TEMP }, { state: 'running', temp: '33' }),
      {
        to: 'cloud',
        topic: 'device/dev-1/twin/edge_updated',
        payload: stamped('<uuid>', { twin: { temp: { ...TEMP, expected_version: { cloud: 3, edge: 1 } } } }),
      },
    ],
  },
  '1/10': {
    why: 'a key that was refused is neither in a document nor in an empty edge_updated',
    out: [delta({ mode: MODE, state: STATE, temp: TEMP }, { mode: 'eco', state: 'running', temp: '33' })],
  },
  '2/1': { why: OWN_TOPIC, out: [refused('', UNREADABLE)] },
  '3/1': { why: OWN_TOPIC, out: [refused('x2', 'Update twin error, key:twin does not exist')] },
  '5/1': { why: OWN_TOPIC, out: [refused('x4', BAD_KEY_OR_VALUE('key', 128))] },
  '6/1': { why: OWN_TOPIC, out: [refused('x5', BAD_KEY_OR_VALUE('value', 512))] },
  '7/1': { why: OWN_TOPIC, out: [refused('x6', UNREADABLE)] },
  '8/1': {
    why: 'the first actual value is checked against the type too, as newer KubeEdge does',
    out: [refused('x7', 'the value is not int or integer')],
  },
  '13/1': {
    why: "the words of Go's JSON parser cannot be had outside Go; the beginning of the reason is the same",
    out: [
      {
        to: 'mqtt',
        topic: `${EVENTS}/dev-1/twin/get/result`,
        payload: stamped('', { code: 400, reason: '<begins>Unmarshal twin info nope failed , err: ' }),
      },
    ],
  },
  '15/1': { why: OWN_EVENT_ID, out: stateSaid('s1', 'online') },
  '15/2': { why: OWN_EVENT_ID, out: stateSaid('s2', 'OFFLINE') },
  '15/3': {
    why: 'a bad state gets a 400 instead of silence',
    out: [
      stateRefused('dev-1', 's3', {
        code: 400,
        reason: 'the state must be one of online, offline, ok, unknown, disconnected, unhealthy',
      }),
    ],
  },
  '15/4': { why: OWN_EVENT_ID, out: stateSaid('s4', 'disconnected') },
  '15/5': { why: 'unhealthy of newer KubeEdge is taken as well', out: stateSaid('s5', 'unhealthy') },
  '15/6': {
    why: 'the state of an unknown device gets a 404 instead of silence',
    out: [stateRefused('ghost', '', { code: 404, reason: 'update rejected due to the device is not existed' })],
  },
  '15/7': {
    why: 'the state before was unhealthy, which KubeEdge 1.12 did not take',
    out: [
      {
        to: 'mqtt',
        topic: '$hw/events/node/node-1/membership/get/result',
        payload: stamped('m2', {
          devices: [
            {
              id: 'dev-1',
              name: 'IEF-device',
              description: 'lamp',
              state: 'unhealthy',
              last_online: '<YYYY-MM-DD HH:MM:SS>',
              attributes: { address: { value: 'shenzhen', optional: true, metadata: { type: 'string' } } },
            },
          ],
        }),
      },
    ],
  },
};

function value(text: string): object {
  return { value: text, metadata: { timestamp: '<ms>' } };
}

function stamped(eventId: string, members: object): object {
  return { event_id: eventId, timestamp: '<ms>', ...members };
}

function result(payload: object): ExpectedOut {
  return { to: 'mqtt', topic: `${EVENTS}/dev-1/twin/update/result`, payload: { timestamp: '<ms>', ...payload } };
}

function refused(eventId: string, reason: string): ExpectedOut {
  return result({ event_id: eventId, code: 400, reason });
}

function delta(twin: object, differing: object): ExpectedOut {
  const payload = stamped('<uuid>', { twin, delta: differing });
  return { to: 'mqtt', topic: `${EVENTS}/dev-1/twin/update/delta`, payload };
}

function stateSaid(eventId: string, state: string): ExpectedOut[] {
  const device = { name: 'IEF-device', state, last_online: '<YYYY-MM-DD HH:MM:SS>' };
  const payload = stamped(eventId, { device });
  return [
    { to: 'mqtt', topic: `${EVENTS}/dev-1/state/update/result`, payload },
    { to: 'cloud', topic: 'device/dev-1/state/update', payload },
  ];
}

function stateRefused(id: string, eventId: string, why: { code: number; reason: string }): ExpectedOut {
  return { to: 'mqtt', topic: `${EVENTS}/${id}/state/update/result`, payload: stamped(eventId, why) };
}
