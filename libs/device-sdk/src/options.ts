/** What a device is made from, checked and filled in. */
import { deviceId, deviceTopic, EdgeError, name, type NodeRef } from '@selvage/protocol';
import type { Clock } from '@selvage/reconcile';
import { deviceClock } from './clock.js';
import type { Model } from './model.js';
import type { QueueLimits } from './outbox.js';
import { checkConnection, type SessionOptions, type Tls } from './session.js';

export interface DeviceOptions<M extends Model = Model> {
  /** `mqtts://HOST:8883`, `wss://HOST:8884`, or on the node itself `mqtt://127.0.0.1:1883` where its owner allows that. */
  readonly url: string;
  /** Identity of the device; with a certificate it is the one that the certificate names. */
  readonly id: string;
  /** From `defineModel`: values are typed by it and checked before they are sent. */
  readonly model?: M | undefined;
  /** `default` unless given; `send` and `onCommand` need it. */
  readonly project?: string | undefined;
  /** Name of the node; `send` and `onCommand` need it. */
  readonly node?: string | undefined;
  readonly tls?: Tls | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** What may wait while the node is away: 1000 messages, 1 MiB, and one more is refused, unless given. */
  readonly queue?: Partial<QueueLimits> | undefined;
  /** Say `online` when connected and `offline` when gone, also by a will. True unless given. */
  readonly presence?: boolean | undefined;
  /** Commands of QoS 1 that come while the device is away are lost. False unless given. */
  readonly cleanSession?: boolean | undefined;
  /** Closes the device at once. */
  readonly signal?: AbortSignal | undefined;
  /** For tests. */
  readonly clock?: Clock | undefined;
  /** 0 to 1, for the jitter of reconnects. */
  readonly random?: (() => number) | undefined;
}

/** Options with nothing left open. */
export interface Settings<M extends Model> extends DeviceOptions<M> {
  /** Where free messages go; undefined when the node's name was not given. */
  readonly place: NodeRef | undefined;
  readonly queue: QueueLimits;
  readonly presence: boolean;
  readonly clock: Clock;
  readonly random: () => number;
}

/** Checks the options and fills them in. Throws `bad_request`. */
export function settingsOf<M extends Model>(options: DeviceOptions<M>): Settings<M> {
  const { id, project = 'default', node, queue, clock = deviceClock, random = Math.random, presence = true } = options;
  checkConnection(options);
  if (!deviceId.safeParse(id).success) {
    throw new EdgeError('bad_request', 'id: a device id has 1 to 64 letters, digits, _ and -.');
  }
  for (const [what, value] of Object.entries({ project, node })) {
    if (value === undefined || name.safeParse(value).success) continue;
    throw new EdgeError('bad_request', `${what}: a name has 1 to 63 lowercase letters, digits and dashes.`);
  }
  const place = node === undefined ? undefined : { project, node };
  return { ...options, place, queue: limitsOf(queue), presence, clock, random };
}

/** The part of them that the connection needs. */
export function sessionOptions({ id, cleanSession = false, presence, ...rest }: Settings<Model>): SessionOptions {
  const { url, tls, username, password, clock, random } = rest;
  const will = { topic: deviceTopic(id, 'state/update'), payload: JSON.stringify({ state: 'offline' }) };
  const who = { url, clientId: id, tls, username, password, will: presence ? will : undefined };
  return { ...who, isClean: cleanSession, clock, random };
}

function limitsOf({
  maxMessages = 1000,
  maxBytes = 1_048_576,
  whenFull = 'refuse',
}: Partial<QueueLimits> = {}): QueueLimits {
  for (const [what, value] of Object.entries({ maxMessages, maxBytes })) {
    if (Number.isSafeInteger(value) && value > 0) continue;
    throw new EdgeError('bad_request', `queue.${what}: a whole number above 0.`);
  }
  return { maxMessages, maxBytes, whenFull };
}
