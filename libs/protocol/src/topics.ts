/** Every MQTT topic that devices and apps of a node see, built and read in one place. */
import { z } from 'zod';

const ID = /^[A-Za-z0-9_-]{1,64}$/;

/** Identity of a device in topics. */
export const deviceId = z.string().regex(ID, 'a device id has 1 to 64 letters, digits, _ and -');

/** Longest topic that is read, in characters. */
export const MAX_TOPIC = 1024;

/** Who publishes a topic: `up` is sent by devices and apps, `down` by the agent alone. */
export type Direction = 'up' | 'down';

/** What follows `$hw/events/device/{id}/`. */
export const DEVICE_TOPICS = {
  'twin/get': 'up',
  'twin/get/result': 'down',
  'twin/update': 'up',
  'twin/update/result': 'down',
  'twin/update/document': 'down',
  'twin/update/delta': 'down',
  'state/update': 'up',
  'state/update/result': 'down',
  updated: 'down',
} as const satisfies Record<string, Direction>;
export type DeviceTopic = keyof typeof DEVICE_TOPICS;

/** What follows `$hw/events/node/{node}/`. */
export const NODE_TOPICS = {
  'membership/get': 'up',
  'membership/get/result': 'down',
  'membership/updated': 'down',
} as const satisfies Record<string, Direction>;
export type NodeTopic = keyof typeof NODE_TOPICS;

/** How an encrypted property is asked for and answered. */
export const ENCRYPTED_TOPICS = { decrypt: 'up', plaintext: 'down' } as const satisfies Record<string, Direction>;
export type EncryptedTopic = keyof typeof ENCRYPTED_TOPICS;

export type AlarmAction = 'add' | 'clear';

/** The old upload topic of IEF: its payload is opaque. */
export const DIS_TOPIC = 'SYS/dis/upload_records';

/** A topic that was read. `path` is never empty and has no wildcard. */
export type Topic =
  | { readonly kind: 'device'; readonly device: string; readonly of: DeviceTopic }
  | { readonly kind: 'node'; readonly node: string; readonly of: NodeTopic }
  | { readonly kind: 'user'; readonly project: string; readonly node: string; readonly path: string }
  | {
      readonly kind: 'encrypted';
      readonly project: string;
      readonly data: string;
      readonly property: string;
      readonly of: EncryptedTopic;
    }
  | { readonly kind: 'alarm'; readonly app: string; readonly action: AlarmAction }
  | { readonly kind: 'upload'; readonly path: string }
  | { readonly kind: 'series'; readonly device: string };

/** `$hw/events/device/{id}/…` */
export function deviceTopic(id: string, of: DeviceTopic): string {
  return `$hw/events/device/${id}/${of}`;
}

/** `$hw/events/node/{node}/membership/…` */
export function nodeTopic(node: string, of: NodeTopic): string {
  return `$hw/events/node/${node}/${of}`;
}

/** `{project}/nodes/{node}/user/{path}`: free data, the source of routes. */
export function userTopic({ project, node }: { project: string; node: string }, path: string): string {
  return `${project}/nodes/${node}/user/${path}`;
}

/** `$hw/{project}/encryptdatas/{data}/properties/{property}/decrypt` or `…/plaintext`. */
export function encryptedTopic(of: EncryptedTopic, place: { project: string; data: string; property: string }): string {
  return `$hw/${place.project}/encryptdatas/${place.data}/properties/${place.property}/${of}`;
}

/** `$hw/alarm/{app}/add` or `…/clear` */
export function alarmTopic(app: string, action: AlarmAction): string {
  return `$hw/alarm/${app}/${action}`;
}

/**
 * Reads the topic of a publish, never a subscription filter: a topic with `+`, `#` or NUL is none of ours. Undefined for
 * everything that is not listed here, ids of the wrong form included.
 */
export function parseTopic(topic: string): Topic | undefined {
  if (topic.length > MAX_TOPIC || /[+#\0]/.test(topic)) return undefined;
  const levels = topic.split('/');
  if (levels[0] !== '$hw') return levels[0] === '$ke' ? series(levels) : outside(topic, levels);
  if (levels[1] === 'events') return event(levels);
  if (levels[1] === 'alarm') return alarm(levels);
  return encrypted(levels);
}

function event([, , noun, id = '', ...rest]: string[]): Topic | undefined {
  const of = rest.join('/');
  if (noun === 'upload') return upload([id, ...rest].join('/'));
  if (!ID.test(id)) return undefined;
  if (noun === 'device' && isKey(DEVICE_TOPICS, of)) return { kind: 'device', device: id, of };
  if (noun === 'node' && isKey(NODE_TOPICS, of)) return { kind: 'node', node: id, of };
  return undefined;
}

function alarm([, , app = '', action, ...more]: string[]): Topic | undefined {
  if (!ID.test(app) || more.length > 0) return undefined;
  return action === 'add' || action === 'clear' ? { kind: 'alarm', app, action } : undefined;
}

function encrypted(levels: string[]): Topic | undefined {
  const [, project = '', datas, data = '', properties, property = '', of = '', ...more] = levels;
  if (datas !== 'encryptdatas' || properties !== 'properties' || more.length > 0) return undefined;
  if (!isKey(ENCRYPTED_TOPICS, of) || ![project, data, property].every((id) => ID.test(id))) return undefined;
  return { kind: 'encrypted', project, data, property, of };
}

/** Time series of a device as KubeEdge's mappers publish them. */
function series([, events, noun, id = '', ...rest]: string[]): Topic | undefined {
  const isSeries = events === 'events' && noun === 'device' && ID.test(id) && rest.join('/') === 'data/update';
  return isSeries ? { kind: 'series', device: id } : undefined;
}

function outside(topic: string, levels: string[]): Topic | undefined {
  if (topic === DIS_TOPIC) return upload(topic);
  const [project = '', nodes, node = '', user, ...rest] = levels;
  const path = rest.join('/');
  if (nodes !== 'nodes' || user !== 'user' || path === '' || !ID.test(project) || !ID.test(node)) return undefined;
  return { kind: 'user', project, node, path };
}

function upload(path: string): Topic | undefined {
  return path === '' ? undefined : { kind: 'upload', path };
}

function isKey<T extends object>(table: T, key: PropertyKey): key is keyof T {
  return Object.hasOwn(table, key);
}
