import { Socket } from 'node:net';
import type { Outcome } from '@selvage/outbox';
import kafkajs, { type ISocketFactoryArgs, type Producer, type SASLOptions, type TopicMessages } from 'kafkajs';
import { aboutOf } from './about.js';
import { asAway, asFailed, failed, rejected, wordsOf } from './away.js';
import { dial, trust } from './dial.js';
import { inTime, type Patience } from './in-time.js';
import type { Given, Kind, Outgoing, Target } from './kind.js';

type Spec = Parameters<(typeof kafka)['open']>[0]['spec'];

const CONNECT_MS = 15_000;
const ANSWER_MS = 30_000;
const ALL_IN_SYNC = -1;
const WAITS: Outcome = { is: 'waits' };
/** Errors about what a record is, not about who takes it. */
const OF_RECORDS = new Set([
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'INVALID_RECORD',
  'INVALID_TIMESTAMP',
  'INVALID_TOPIC_EXCEPTION',
]);
/** Errors about one topic: others may be fine. */
const OF_TOPICS = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'TOPIC_AUTHORIZATION_FAILED', 'LEADER_NOT_AVAILABLE']);

/** Topics of Kafka: a message has arrived when all replicas that are in sync have it. */
export const kafka: Kind<'kafka'> = {
  kind: 'kafka',
  open: (given) => new Kafka(given),
  problem: (spec, target) => {
    if (target.path !== undefined) return 'Kafka has no path; use topic';
    return (target.topic ?? spec.topic) === undefined ? 'name the topic: its endpoint has none either' : undefined;
  },
};

class Kafka implements Target {
  private readonly who: string;
  private readonly cluster: kafkajs.Kafka;
  private readonly closing = new AbortController();
  private readonly sockets = new Set<Socket>();
  private producer: Promise<Producer> | undefined;

  constructor(private readonly given: Given<Spec>) {
    const { spec, credentials } = given;
    this.who = spec.brokers.join(', ');
    this.cluster = new kafkajs.Kafka({
      clientId: 'selvage',
      brokers: spec.brokers,
      ssl: spec.tls ? trust(spec.ca) : false,
      ...(spec.sasl !== undefined && { sasl: loginOf(spec.sasl, credentials) }),
      connectionTimeout: CONNECT_MS,
      authenticationTimeout: CONNECT_MS,
      requestTimeout: ANSWER_MS,
      // Enough for a leader that has just moved, or a topic that is just being made; all else is for the pump of each route.
      retry: { retries: 3, initialRetryTime: 100, maxRetryTime: 1000 },
      logLevel: kafkajs.logLevel.NOTHING,
      socketFactory: (asked) => this.socket(asked),
    });
  }

  async deliver(batch: readonly Outgoing[], signal: AbortSignal): Promise<readonly Outcome[]> {
    try {
      return await this.sent(batch, signal);
    } catch (error) {
      throw asAway(causeOf(error), this.who);
    }
  }

  async test(signal: AbortSignal): Promise<void> {
    try {
      await inTime(this.connected(), this.patience(signal));
    } catch (error) {
      throw asFailed(causeOf(error), this.who);
    }
  }

  async close(): Promise<void> {
    this.closing.abort(new Error('it was closed'));
    const left = this.forget();
    // With an error: whoever still connects hears of nothing else.
    for (const socket of this.sockets) socket.destroy(new Error('it was closed'));
    await left;
  }

  /** In one request per broker; in halves when there is a record among them that is not taken. */
  private async sent(batch: readonly Outgoing[], signal: AbortSignal): Promise<readonly Outcome[]> {
    const odd = batch.findIndex((one) => !isTopic(this.topicOf(one)));
    if (odd !== -1) return this.without(batch, odd, signal);
    const producer = await inTime(this.connected(), this.patience(signal));
    try {
      const sending = producer.sendBatch({ acks: ALL_IN_SYNC, timeout: ANSWER_MS, topicMessages: this.byTopic(batch) });
      await inTime(sending, this.patience(signal));
      return batch.map(() => ({ is: 'delivered' }));
    } catch (error) {
      const why = causeOf(error);
      const blamed = this.blamed(batch, why);
      if (blamed === undefined) {
        void this.forget();
        throw why;
      }
      if (batch.length === 1) return [blamed];
      const half = Math.ceil(batch.length / 2);
      return this.both(batch.slice(0, half), batch.slice(half), signal);
    }
  }

  /** Leaves out one whose topic no topic can have. */
  private async without(batch: readonly Outgoing[], odd: number, signal: AbortSignal): Promise<readonly Outcome[]> {
    const one = batch[odd];
    const outcome = rejected(`"${one === undefined ? '' : this.topicOf(one)}" is no name of a topic of Kafka.`);
    const others = batch.toSpliced(odd, 1);
    const outcomes = others.length === 0 ? [] : await this.sent(others, signal);
    return outcomes.toSpliced(odd, 0, outcome);
  }

  private async both(
    first: readonly Outgoing[],
    second: readonly Outgoing[],
    signal: AbortSignal,
  ): Promise<readonly Outcome[]> {
    const before = await this.sent(first, signal);
    const held = new Set(first.filter((_one, index) => isHeld(before[index])).map(({ key }) => key));
    const tried = second.filter(({ key }) => key === undefined || !held.has(key));
    try {
      const after = tried.length === 0 ? [] : await this.sent(tried, signal);
      const outcomes = new Map(tried.map(({ seq }, index) => [seq, after[index] ?? WAITS]));
      return [...before, ...second.map(({ seq }) => outcomes.get(seq) ?? WAITS)];
    } catch (error) {
      if (before.every(({ is }) => is === 'waits')) throw error;
      return [...before, ...second.map(() => WAITS)];
    }
  }

  /** What a message is to blame for, if it is the only one; undefined when none is. */
  private blamed(batch: readonly Outgoing[], why: unknown): Outcome | undefined {
    const type = why instanceof kafkajs.KafkaJSProtocolError ? why.type : '';
    if (OF_RECORDS.has(type)) return rejected(`${this.who}: ${wordsOf(why)}`);
    const manyTopics = batch.some(({ target }) => target.topic?.includes('{') === true);
    return manyTopics && OF_TOPICS.has(type) ? failed(`${this.who}: ${wordsOf(why)}`) : undefined;
  }

  /** The producer, made when there is none. All who ask meanwhile wait for the same one. */
  private connected(): Promise<Producer> {
    if (this.closing.signal.aborted) return Promise.reject(new Error('it was closed'));
    const there = this.producer;
    if (there !== undefined) return there;
    const making = this.connect();
    this.producer = making;
    making.catch(() => {
      if (this.producer === making) this.producer = undefined;
    });
    return making;
  }

  private async connect(): Promise<Producer> {
    const producer = this.cluster.producer({ maxInFlightRequests: 8 });
    producer.on(producer.events.DISCONNECT, () => {
      this.producer = undefined;
    });
    await producer.connect();
    return producer;
  }

  /** What a failed producer knows of the cluster may be old: the next one asks again. */
  private async forget(): Promise<void> {
    const producer = this.producer;
    this.producer = undefined;
    if (producer === undefined) return;
    await producer.then((one) => one.disconnect()).catch(() => undefined);
  }

  private socket({ host, port, ssl, onConnect }: ISocketFactoryArgs): Socket {
    const socket = this.dialled(host, port, ssl);
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
    socket.once(this.given.spec.tls ? 'secureConnect' : 'connect', onConnect);
    return socket.setKeepAlive(true, 60_000);
  }

  private dialled(host: string, port: number, tls: ISocketFactoryArgs['ssl']): Socket {
    try {
      this.closing.signal.throwIfAborted();
      return dial(this.given.reach, { host, port, ...(this.given.spec.tls && { tls }) });
    } catch (refusal) {
      const none = new Socket();
      setImmediate(() => {
        none.destroy(refusal instanceof Error ? refusal : new Error(String(refusal)));
      });
      return none;
    }
  }

  private byTopic(batch: readonly Outgoing[]): TopicMessages[] {
    const topics = new Map<string, TopicMessages>();
    for (const one of batch) {
      const topic = this.topicOf(one);
      const there = topics.get(topic) ?? { topic, messages: [] };
      topics.set(topic, there);
      const { message, key } = one;
      there.messages.push({
        key: key ?? null,
        value: Buffer.from(message.payload),
        timestamp: String(message.at),
        headers: { 'selvage-id': message.id, ...aboutOf(message) },
      });
    }
    return [...topics.values()];
  }

  private topicOf({ topic }: Outgoing): string {
    return topic ?? this.given.spec.topic ?? '';
  }

  private patience(signal: AbortSignal): Patience {
    return { clock: this.given.clock, ms: CONNECT_MS + ANSWER_MS, signal, who: this.who };
  }
}

function loginOf(mechanism: NonNullable<Spec['sasl']>, credentials: Given<Spec>['credentials']): SASLOptions {
  const { username = '', password = '' } = credentials;
  return { mechanism, username, password };
}

function isTopic(name: string): boolean {
  return /^[a-zA-Z0-9._-]{1,249}$/.test(name) && name !== '.' && name !== '..';
}

function isHeld(outcome: Outcome | undefined): boolean {
  return outcome === undefined || outcome.is === 'failed' || outcome.is === 'waits';
}

/** What kafkajs gave up over. */
function causeOf(error: unknown): unknown {
  const isWrapped =
    error instanceof kafkajs.KafkaJSNumberOfRetriesExceeded || error instanceof kafkajs.KafkaJSNonRetriableError;
  return isWrapped && error.cause instanceof Error ? causeOf(error.cause) : error;
}
