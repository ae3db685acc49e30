import type { Clock } from '@selvage/reconcile';
import { type BrokerLimits, EdgeError } from '@selvage/protocol';
import { type BrokerPacket, bytesOf } from './packet.js';
import { decodeMessage, encodeMessage, type MessageRecord } from './records.js';
import { type Outgoing, Session } from './session.js';
import {
  decodeSession,
  encodeSession,
  idOf,
  incomingKey,
  messageIdOf,
  ownerOf,
  queueKey,
  seqOf,
  sessionKey,
  type SessionRecord,
} from './session-records.js';
import { type Full, SessionRoom } from './session-room.js';
import { Shares } from './shares.js';
import { SubscriptionTree } from './subscription-tree.js';

/** Value of the record that a QoS 2 message was taken: its key says everything. */
const TAKEN = Buffer.from([1]);

/** Records that outlive a power cut; `state/` has it. Each promise resolves when the change is on the disk. */
export interface Records {
  put(key: string, value: Uint8Array): Promise<void>;
  delete(key: string): Promise<void>;
  read(prefix: string): AsyncIterable<readonly [key: string, value: Buffer]>;
}

export interface SessionStoreOptions {
  readonly records: Records;
  readonly limits: () => BrokerLimits;
  readonly clock: Pick<Clock, 'now'>;
  /** Told of each message or session that a limit cost. */
  readonly dropped: (reason: Full | 'retained_full', what: string) => void;
}

/**
 * The sessions that outlive connections [MQTT-4.1]: read from memory, written down as they change, so that they outlive the process and
 * a power cut. The promises that an acknowledgement waits for resolve when the disk has it.
 */
export class SessionStore {
  readonly #options: SessionStoreOptions;
  readonly #sessions = new Map<string, Session>();
  readonly #tree = new SubscriptionTree();
  readonly #shares = new Shares();
  readonly #room: SessionRoom;
  #seq = 0;

  constructor(options: SessionStoreOptions) {
    this.#options = options;
    const { limits, dropped } = options;
    this.#room = new SessionRoom({
      ...{ limits, dropped, shares: this.#shares, sessionCount: () => this.count },
      drop: (session, message) => {
        this.#drop(session, message);
      },
      end: ({ id, outlet }) => {
        outlet?.cut();
        // The journal says itself when the disk fails.
        this.end(id).catch(() => undefined);
      },
    });
  }

  /** Reads what there is, as far as there is room for it. */
  async load(): Promise<void> {
    const { records } = this.#options;
    const found: (SessionRecord & { readonly id: string })[] = [];
    for await (const [key, value] of records.read('s/')) {
      const record = decodeSession(value);
      if (record !== undefined) found.push({ id: idOf(key), ...record });
    }
    for (const record of found.sort((one, other) => one.seenAt - other.seenAt)) this.#loadSession(record);
    for await (const [key, value] of records.read('q/')) this.#loadQueued(key, value);
    for await (const [key] of records.read('i/')) this.#loadIncoming(key);
  }

  get(id: string): Session | undefined {
    return this.#sessions.get(id);
  }

  get ids(): readonly string[] {
    return [...this.#sessions.keys()];
  }

  get count(): number {
    return this.#sessions.size;
  }

  get subscriptionCount(): number {
    return this.#tree.size;
  }

  /** Messages and bytes that wait for clients. */
  get waiting(): { readonly messages: number; readonly bytes: number } {
    let messages = 0;
    for (const { count } of this.#sessions.values()) messages += count;
    return { messages, bytes: this.#shares.bytes };
  }

  /** Whether a client may have a session under this id: there is one, or its identity may begin another one. */
  hasRoomFor(id: string): boolean {
    return this.#room.hasForSession(id);
  }

  /** Begins a session, unless there is one, and writes down that its client was here. @throws EdgeError `overloaded` */
  async keep(id: string): Promise<void> {
    const session = this.#sessions.get(id) ?? this.#begun(id);
    if (session === undefined) throw new EdgeError('overloaded', 'The client has too many sessions.');
    session.seenAt = this.#options.clock.now();
    await this.#options.records.put(sessionKey(id), encodeSession(session));
  }

  async subscribe(
    id: string,
    subscriptions: readonly { readonly topic: string; readonly qos: number }[],
  ): Promise<void> {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    for (const { topic, qos } of subscriptions) {
      session.subscriptions.set(topic, qos);
      if (qos > 0) this.#tree.add(topic, id, qos);
      else this.#tree.remove(topic, id);
    }
    await this.keep(id);
  }

  async unsubscribe(id: string, topics: readonly string[]): Promise<void> {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    for (const topic of topics) {
      session.subscriptions.delete(topic);
      this.#tree.remove(topic, id);
    }
    await this.keep(id);
  }

  /** Ends a session with all that is in it [MQTT-3.1.2-6]. */
  async end(id: string): Promise<void> {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    const queued = this.#forget(session);
    const { records } = this.#options;
    await Promise.all([
      records.delete(sessionKey(id)),
      ...queued.map(({ seq }) => records.delete(queueKey(id, seq))),
      ...[...session.incoming].map((messageId) => records.delete(incomingKey(id, messageId))),
    ]);
  }

  /** Puts a message into the queues of all sessions that it is for; resolves when it is on the disk in all of them; undefined when there are none. */
  enqueue(packet: BrokerPacket): Promise<void> | undefined {
    if (this.#tree.size === 0) return undefined;
    const writes = [...this.#tree.match(packet.topic)].map(([id, qos]) =>
      this.enqueueFor(id, { ...packet, qos: Math.min(qos, packet.qos), retain: false }),
    );
    return writes.length < 2 ? writes[0] : Promise.all(writes).then(() => undefined);
  }

  /** The same for one session; the message's QoS is 1 or 2. */
  async enqueueFor(id: string, packet: BrokerPacket): Promise<void> {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    const message = this.#outgoing(packet);
    if (!this.#room.forMessage(session, message)) return;
    session.add(message);
    session.outlet?.offer(message);
    try {
      await this.note(id, message);
    } catch (error) {
      // Its publisher is told, and publishes it again.
      this.#drop(session, message);
      throw error;
    }
    session.outlet?.wake();
  }

  /** Writes a message down as it is now. */
  async note(id: string, message: Outgoing): Promise<void> {
    const { seq, cmd, topic, payload, qos, retain, messageId } = message;
    const record = { topic, payload, qos, retain, messageId, isRelease: cmd === 'pubrel' };
    message.unwritten += 1;
    try {
      await this.#options.records.put(queueKey(id, seq), encodeMessage(record));
    } finally {
      message.unwritten -= 1;
    }
  }

  /** A QoS 2 message was received by its client: its PUBREL takes its place. */
  async released(id: string, messageId: number): Promise<void> {
    const session = this.#sessions.get(id);
    const message = session?.byMessage(messageId);
    if (session === undefined || message?.qos !== 2) return;
    session.release(message);
    await this.note(id, message);
  }

  /** A message was acknowledged with what ends its QoS: it is no longer kept. */
  acknowledged(id: string, messageId: number, by: 'puback' | 'pubcomp'): void {
    const session = this.#sessions.get(id);
    const message = session?.byMessage(messageId);
    if (session === undefined || message === undefined) return;
    const isOver = by === 'puback' ? message.qos === 1 : message.cmd === 'pubrel';
    if (!isOver) return;
    this.#drop(session, message);
    session.outlet?.wake();
  }

  /** A QoS 2 message was taken; resolves when that is on the disk. */
  async took(id: string, messageId: number): Promise<void> {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    session.incoming.add(messageId);
    await this.#options.records.put(incomingKey(id, messageId), TAKEN);
  }

  /** Its PUBREL came. */
  async completed(id: string, messageId: number): Promise<void> {
    if (this.#sessions.get(id)?.incoming.delete(messageId) === true)
      await this.#options.records.delete(incomingKey(id, messageId));
  }

  #outgoing({ topic, payload, qos, retain }: BrokerPacket): Outgoing {
    this.#seq += 1;
    return {
      ...{ seq: this.#seq, cmd: 'publish', topic, payload: bytesOf(payload), qos: qos === 2 ? 2 : 1, retain },
      ...{ messageId: undefined, sent: false, unwritten: 0, gone: false },
    };
  }

  #begun(id: string): Session | undefined {
    if (!this.#room.forSession(id)) return undefined;
    const share = this.#shares.of(ownerOf(id).key);
    const session = new Session(id, share);
    this.#sessions.set(id, session);
    share.sessions.set(id, session);
    return session;
  }

  /** Takes a session out of memory; gives what was in its queue. */
  #forget(session: Session): readonly Outgoing[] {
    const { id, share } = session;
    this.#sessions.delete(id);
    for (const topic of session.subscriptions.keys()) this.#tree.remove(topic, id);
    const queued = [...session.queue];
    for (const message of queued) session.drop(message);
    share.sessions.delete(id);
    this.#shares.forget(ownerOf(id).key);
    return queued;
  }

  #drop(session: Session, message: Outgoing): void {
    session.drop(message);
    this.#erase(queueKey(session.id, message.seq));
  }

  /** Nobody waits for it, and the journal says itself when the disk fails. */
  #erase(key: string): void {
    this.#options.records.delete(key).catch(() => undefined);
  }

  #loadSession({ id, seenAt, subscriptions }: SessionRecord & { readonly id: string }): void {
    const session = this.#begun(id);
    if (session === undefined) return;
    session.seenAt = seenAt;
    for (const [topic, qos] of subscriptions) {
      session.subscriptions.set(topic, qos);
      if (qos > 0) this.#tree.add(topic, id, qos);
    }
  }

  #loadQueued(key: string, value: Buffer): void {
    const record = decodeMessage(value);
    const session = this.#sessions.get(idOf(key));
    const seq = seqOf(key);
    this.#seq = Math.max(this.#seq, seq);
    const message = record && outgoingOf(record, seq);
    if (message === undefined || session === undefined || !this.#room.forMessage(session, message)) this.#erase(key);
    else session.add(message);
  }

  #loadIncoming(key: string): void {
    const session = this.#sessions.get(idOf(key));
    if (session === undefined) this.#erase(key);
    else session.incoming.add(messageIdOf(key));
  }
}

function outgoingOf({ isRelease, topic, payload, qos, retain, messageId }: MessageRecord, seq: number): Outgoing {
  return {
    ...{ seq, cmd: isRelease === true ? 'pubrel' : 'publish', topic, payload, qos: qos === 2 ? 2 : 1, retain },
    // What has a packet id may have been sent with it.
    ...{ messageId, sent: messageId !== undefined, unwritten: 0, gone: false },
  };
}
