/**
 * The frames of the link between agent and hub: binary WebSocket messages, one MessagePack map each, told apart by `t`.
 * Both sides parse every frame with these schemas; unknown fields are dropped, so that a newer peer may add some.
 */
import { z } from 'zod';
import { counter, few, text, word } from './bounds.js';
import { name } from './ids.js';

/** Version of these frames. The hub refuses an agent whose version it does not speak. */
export const LINK_PROTOCOL = 1;
/** ALPN name by which a TLS client on the hub's port says that it wants the link and will show a certificate. */
export const LINK_ALPN = 'selvage-link';
export const LINK_PATH = '/link';

const KIB = 1024;
/** Largest frame from an agent, bytes. */
export const MAX_FRAME_UP = 1024 * KIB;
/** Largest frame from the hub, bytes. */
export const MAX_FRAME_DOWN = 8 * 1024 * KIB;
/** Largest `data` chunk of a call, bytes. */
export const MAX_CHUNK = 64 * KIB;
/** Bytes that a call may send before it waits for `credit`. */
export const CALL_WINDOW = 256 * KIB;
/** Bytes of messages that an agent may have on their way, counted as its outbox counts them. */
export const MESSAGE_WINDOW = 1024 * KIB;
/** Most messages of one frame. */
export const MAX_MESSAGES = 2_000;
/** Largest body of one message, bytes: it fits into a frame with its lane and key. */
export const MAX_MESSAGE = 1000 * KIB;

/** Most sections of one side; twins have 256. */
const MAX_SECTIONS = 1_024;

const sectionName = word(32);
const hash = word(64);
const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array, 'not bytes');
const callId = z.int().nonnegative();
const epoch = word(64);

/** Name → content hash of each section that one side holds. */
export const sectionHashes = few(z.record(sectionName, hash), MAX_SECTIONS);
export type SectionHashes = z.infer<typeof sectionHashes>;

/**
 * Where a desired state stands. `epoch` names the hub's database, `revision` grows with every change in it: a lower revision
 * of the same epoch is older and is never applied.
 */
export const position = z.object({ epoch, revision: counter });
export type Position = z.infer<typeof position>;

/** A section travels as bytes: its hash is over these very bytes, and the receiver stores them as they came. */
export const section = z.object({ name: sectionName, hash, body: bytes });
export type Section = z.infer<typeof section>;

// ---- agent → hub ----

export const hello = z.object({
  t: z.literal('hello'),
  protocol: z.int(),
  agent: text(64),
  /** Made anew at each start of the agent process: two values at once mean two machines with one identity. */
  boot: word(64),
  stored: position.nullable(),
  /** Desired sections that the agent has stored, and reported sections that it would send. */
  desired: sectionHashes,
  reported: sectionHashes,
});
/** The desired state is on the agent's disk. */
export const stored = z.object({ t: z.literal('stored'), position, desired: sectionHashes });
/** One section of reported state: the latest wins. */
export const report = z.object({ t: z.literal('report'), section });
/** `desired` and `reported` are digests over all section hashes of that side. */
export const heartbeat = z.object({ t: z.literal('heartbeat'), desired: hash, reported: hash });
/** Bytes of a call's answer; never more than the credit left. */
export const data = z.object({ t: z.literal('data'), id: callId, chunk: bytes });
export const end = z.object({ t: z.literal('end'), id: callId, result: z.unknown().optional() });
export const fail = z.object({
  t: z.literal('fail'),
  id: callId,
  code: z.string().max(64),
  detail: z.string().max(4096),
});

const lane = word(128);
const seq = counter.positive();
/** One stored message. `at` is when it came into being, epoch milliseconds; `ttlMs` what is left of its life. */
export const message = z.object({
  seq,
  lane,
  at: z.int(),
  key: z.string().max(4096).optional(),
  ttlMs: z.int().positive().optional(),
  body: bytes,
});
export type Message = z.infer<typeof message>;
/**
 * Messages of the agent's outbox, of each lane in the order of their sequences. `epoch` names the outbox: (epoch, seq) names a message
 * for ever. They are sent again over the next link until the hub says `settled`.
 */
export const messages = z.object({ t: z.literal('messages'), epoch, items: z.array(message).min(1).max(MAX_MESSAGES) });

export const upFrame = z.discriminatedUnion('t', [hello, stored, report, heartbeat, data, end, fail, messages]);
export type UpFrame = z.infer<typeof upFrame>;

// ---- hub → agent ----

export const welcome = z.object({
  t: z.literal('welcome'),
  hub: z.string().max(64),
  position,
  heartbeatMs: z.int().min(1000),
  /** Reported sections that the hub holds: the agent sends those that differ. */
  reported: sectionHashes,
});
/** Only the sections that differ from what the agent said it has; `gone` names those that are no longer wanted. */
export const desired = z.object({
  t: z.literal('desired'),
  position,
  sections: z.array(section).max(64),
  gone: z.array(sectionName).max(64),
});
/** Answer to a heartbeat. `reread` asks for all reported sections again because the digests differ. */
export const beat = z.object({ t: z.literal('beat'), reread: z.boolean() });
export const call = z.object({
  t: z.literal('call'),
  id: callId,
  method: z.string().max(64),
  params: z.unknown(),
  /** Milliseconds until the first answer is due; absent for a stream that may last. */
  deadlineMs: z.int().positive().optional(),
  /** Bytes that the agent may send at first. */
  credit: z.int().nonnegative(),
});
export const credit = z.object({ t: z.literal('credit'), id: callId, bytes: z.int().positive() });
export const cancel = z.object({ t: z.literal('cancel'), id: callId });
/** Says why the hub is about to close the link. `retryAfterMs` absent: trying again without a change is of no use soon. */
export const refused = z.object({
  t: z.literal('refused'),
  code: z.string().max(64),
  detail: z.string().max(1024),
  retryAfterMs: z.int().nonnegative().optional(),
});

/** The hub has stored the messages of a lane up to this one, those excepted that it has rejected. */
export const settled = z.object({ t: z.literal('settled'), epoch, lane, upTo: seq });
/** The hub will never take this message. It comes before the `settled` that covers it. */
export const rejected = z.object({
  t: z.literal('rejected'),
  epoch,
  seq,
  code: z.string().max(64),
  detail: z.string().max(1024),
});

export const downFrame = z.discriminatedUnion('t', [
  welcome,
  desired,
  beat,
  call,
  credit,
  cancel,
  refused,
  settled,
  rejected,
]);
export type DownFrame = z.infer<typeof downFrame>;

// ---- calls: method → its parameters ----

export const logsCall = z.object({
  app: name,
  container: name.optional(),
  follow: z.boolean(),
  tail: z.int().min(0).max(100_000),
  sinceSeconds: z.int().min(0).optional(),
  timestamps: z.boolean(),
});
export type LogsCall = z.infer<typeof logsCall>;
