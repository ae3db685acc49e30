import { isIP } from 'node:net';
import { jetstream, JetStreamApiError } from '@nats-io/jetstream';
import { connect, headers as newHeaders, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node';
import { Away, type Outcome } from '@selvage/outbox';
import { aboutOf } from './about.js';
import { asAway, asFailed, failed, rejected, wordsOf } from './away.js';
import { hostPort, trust } from './dial.js';
import { inOrder } from './in-order.js';
import { inTime, type Patience } from './in-time.js';
import type { Given, Kind, Outgoing, Target } from './kind.js';

type Spec = Parameters<(typeof nats)['open']>[0]['spec'];

const CONNECT_MS = 15_000;
const ANSWER_MS = 30_000;
const AT_ONCE = 256;
/** `err_code` of JetStream for a message that is larger than its stream takes. */
const TOO_LARGE = 10_054;

/** Name of the error when nobody listens to a subject, not even a stream. */
const NOBODY = 'JetStreamNotEnabled';

/** Subjects of JetStream: a message has arrived when a stream has stored it, which knows by its id when it comes again. */
export const nats: Kind<'nats'> = {
  kind: 'nats',
  open: (given) => new Nats(given),
  problem: (spec, target) => {
    if (target.path !== undefined) return 'NATS has no path; use topic for the subject';
    return (target.topic ?? spec.subject) === undefined
      ? 'name the subject as topic: its endpoint has none either'
      : undefined;
  },
};

class Nats implements Target {
  private readonly who: string;
  private readonly closing = new AbortController();
  private connection: Promise<NatsConnection> | undefined;
  /** The server that is tried first: the last one that took us. */
  private first = 0;

  constructor(private readonly given: Given<Spec>) {
    this.who = given.spec.servers.join(', ');
  }

  async deliver(batch: readonly Outgoing[], signal: AbortSignal): Promise<readonly Outcome[]> {
    try {
      const connection = await inTime(this.connected(), this.patience(signal, this.connectMs()));
      const delivering = inOrder(batch, (one) => this.publish(connection, one), AT_ONCE);
      return await inTime(delivering, this.patience(signal, batch.length * ANSWER_MS));
    } catch (error) {
      throw asAway(error, this.who);
    }
  }

  async test(signal: AbortSignal): Promise<void> {
    try {
      const connection = await inTime(this.connected(), this.patience(signal, this.connectMs()));
      await inTime(connection.flush(), this.patience(signal, ANSWER_MS));
    } catch (error) {
      throw asFailed(error, this.who);
    }
  }

  async close(): Promise<void> {
    this.closing.abort(new Error('it was closed'));
    const connection = await this.connection?.catch(() => undefined);
    await connection?.close();
  }

  /** The connection, made when there is none. All who ask meanwhile wait for the same one. */
  private async connected(): Promise<NatsConnection> {
    const before = this.connection;
    const there = await before?.catch(() => undefined);
    if (there?.isClosed() === false) return there;
    if (this.connection === before || this.connection === undefined) this.connection = this.connect();
    return this.connection;
  }

  /** To the first server that takes us; it says of others, but only those that the endpoint names are asked. */
  private async connect(): Promise<NatsConnection> {
    const { servers } = this.given.spec;
    const said: string[] = [];
    for (const server of [...servers.slice(this.first), ...servers.slice(0, this.first)]) {
      try {
        const connection = await inTime(this.dial(server), this.patience(this.closing.signal, CONNECT_MS));
        this.first = servers.indexOf(server);
        return connection;
      } catch (error) {
        said.push(`${server}: ${wordsOf(error)}`);
      }
    }
    throw new Away(said.join('; '));
  }

  /** Names are resolved here, so that what was looked at is what is connected to. */
  private async dial(server: string): Promise<NatsConnection> {
    const { spec, credentials, reach } = this.given;
    const { host, port } = hostPort(server);
    const [address = host] = await reach.addresses(host);
    const { token, username: user, password: pass } = credentials;
    const identity = isIP(host) === 0 ? { servername: host } : { host };
    const connection = await connect({
      servers: isIP(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`,
      name: 'selvage',
      timeout: CONNECT_MS,
      reconnect: false,
      resolve: false,
      ignoreClusterUpdates: true,
      ...(token !== undefined
        ? { token }
        : { ...(user !== undefined && { user }), ...(pass !== undefined && { pass }) }),
      tls: spec.tls ? { ...trust(spec.ca), ...identity } : null,
    });
    // Nobody may be waiting any more.
    if (this.closing.signal.aborted) await connection.close();
    return connection;
  }

  private async publish(connection: NatsConnection, one: Outgoing): Promise<Outcome> {
    const { message } = one;
    const subject = one.topic ?? this.given.spec.subject ?? '';
    if (!isSubject(subject)) return rejected(`"${subject}" is no subject that can be published to.`);
    const headers = headersOf(message);
    const most = connection.info?.max_payload ?? Number.POSITIVE_INFINITY;
    if (message.payload.byteLength + sizeOf(headers) > most)
      return rejected(`The message has more than the ${most} bytes that the server takes.`);
    try {
      const options = { msgID: message.id, headers, timeout: ANSWER_MS, retries: 0 };
      await jetstream(connection).publish(subject, message.payload, options);
      return { is: 'delivered' };
    } catch (error) {
      return this.unless(error, one, subject);
    }
  }

  /** An outcome when one message is to blame. @throws the error otherwise. */
  private unless(error: unknown, { target }: Outgoing, subject: string): Outcome {
    if (error instanceof JetStreamApiError && error.code === TOO_LARGE)
      return rejected(`${this.who}: ${error.message}`);
    if (!(error instanceof Error && error.name === NOBODY)) throw error;
    const detail = `No stream of JetStream takes the subject "${subject}".`;
    // When each message has a subject of its own, others may have one that is taken.
    if (target.topic?.includes('{') === true) return failed(`${this.who}: ${detail}`);
    throw new Error(detail);
  }

  private connectMs(): number {
    return CONNECT_MS * this.given.spec.servers.length;
  }

  private patience(signal: AbortSignal, ms: number): Patience {
    return { clock: this.given.clock, ms, signal, who: this.who };
  }
}

/** Nothing that a message says becomes a wildcard, or a call of the server's own API, which begin with `$`. */
function isSubject(text: string): boolean {
  return /^[^\s.*>$\p{Cc}][^\s.*>\p{Cc}]*(\.[^\s.*>\p{Cc}]+)*$/u.test(text);
}

function headersOf(message: Outgoing['message']): MsgHdrs {
  const headers = newHeaders();
  for (const [name, value] of Object.entries(aboutOf(message))) headers.set(name, value);
  return headers;
}

/** Bytes of the headers on the wire, those of JetStream among them. */
function sizeOf(headers: MsgHdrs): number {
  const lines = headers.keys().map((key) => key.length + headers.get(key).length + 4);
  return lines.reduce((sum, size) => sum + size, 128);
}
