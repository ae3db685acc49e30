/** The MQTT connection of a device, made again for ever: the only place that knows the package mqtt. */
import { EdgeError } from '@selvage/protocol';
import { type Clock, delay, pause } from '@selvage/reconcile';
import mqtt from 'mqtt';
import { type Ended, ended, type Proof } from './errors.js';

/** Client certificate, its key and the authority of the node's certificate, as PEM. */
export interface Tls {
  readonly key?: string;
  readonly cert?: string;
  readonly ca?: string;
}

/** How to reach the broker and who we are. */
export interface SessionOptions {
  readonly url: string;
  readonly clientId: string;
  readonly tls?: Tls | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** Forget on the broker's side what was subscribed and not delivered yet. */
  readonly isClean: boolean;
  readonly will?: { readonly topic: string; readonly payload: string } | undefined;
  readonly clock: Clock;
  readonly random: () => number;
}

/** Who hears of the connection. */
export interface SessionListener {
  /** Connected, and everything is subscribed but the filters that the broker refused. */
  up(refused: readonly string[]): void;
  /** A connection that was up ended, or one try failed. */
  down(end: Ended): void;
  refused(filter: string): void;
  message(topic: string, payload: Uint8Array): void;
}

type Client = ReturnType<typeof mqtt.connect>;
/** What of a client sends: bytes instead of Node's Buffer, so that browsers need none. */
interface Sender {
  publish(topic: string, payload: string | Uint8Array, options: { qos: 0 | 1 }, done: (error?: Error) => void): unknown;
}

const BACKOFF = { baseMs: 500, capMs: 60_000, floorMs: 100 };
/** A connection that held so long starts the back-off anew. */
const STABLE_MS = 10_000;
const DIAL_MS = 30_000;
const FAREWELL_MS = 2_000;
const KEEPALIVE_S = 30;

export class Session {
  readonly #subscriptions = new Map<string, 0 | 1>();
  readonly #stopping = new AbortController();
  /** The client that connects or is connected. */
  #current: Client | undefined;
  /** The client that is connected and has subscribed. */
  #client: Client | undefined;
  #upAt: number | undefined;
  #running: Promise<void> | undefined;

  constructor(
    private readonly options: SessionOptions,
    private readonly listener: SessionListener,
  ) {}

  get isUp(): boolean {
    return this.#client !== undefined;
  }

  /** Connects, and connects again whenever the connection ends, until `stop`. */
  start(): void {
    this.#running ??= this.#keepConnected();
  }

  /** Says goodbye to the broker, so that it sends no will, and stays away. */
  async stop(): Promise<void> {
    const client = this.#client;
    if (client) await this.#farewell(client);
    this.#stopping.abort();
    await this.#running;
  }

  /** Sends; `done` is called when the broker has it (QoS 1) or it is written (QoS 0), never after the connection ended. */
  publish(message: { topic: string; payload: string | Uint8Array; qos: 0 | 1 }, done?: () => void): void {
    const client = this.#client;
    const sender: Sender | undefined = client;
    sender?.publish(message.topic, message.payload, { qos: message.qos }, (error) => {
      if (!error && this.#client === client) done?.();
    });
  }

  /** Subscribes now and after every reconnect. */
  subscribe(filter: string, qos: 0 | 1): void {
    this.#subscriptions.set(filter, qos);
    const client = this.#client;
    if (!client) return;
    void subscribed(client, filter, qos).then((isGiven) => {
      if (!isGiven && this.#client === client) this.listener.refused(filter);
    });
  }

  unsubscribe(filter: string): void {
    this.#subscriptions.delete(filter);
    this.#client?.unsubscribe(filter);
  }

  async #keepConnected(): Promise<void> {
    const { clock, random } = this.options;
    const { signal } = this.#stopping;
    let failures = 0;
    while (!signal.aborted) {
      const end = await this.#connection();
      failures = this.#upMs() >= STABLE_MS ? 1 : failures + 1;
      this.listener.down(end);
      await pause(delay(failures, BACKOFF, random), clock, signal);
    }
  }

  /** How long the connection that has just ended was up. */
  #upMs(): number {
    const since = this.#upAt;
    this.#upAt = undefined;
    return since === undefined ? 0 : this.options.clock.monotonic() - since;
  }

  /** One connection, from its dialling to its end. */
  async #connection(): Promise<Ended> {
    const { url, clock, tls, username } = this.options;
    const proof: Proof = tls?.cert !== undefined ? 'certificate' : username !== undefined ? 'password' : 'none';
    const { signal } = this.#stopping;
    const cause = await new Promise<unknown>((resolve) => {
      const settle = (reason?: unknown): void => {
        cancel();
        signal.removeEventListener('abort', stop);
        this.#hangUp();
        resolve(reason);
      };
      const stop = (): void => {
        settle(new Error('it was stopped'));
      };
      signal.addEventListener('abort', stop, { once: true });
      const cancel = clock.timer(DIAL_MS, () => {
        settle(new Error(`no answer within ${DIAL_MS / 1000} s`));
      });
      try {
        this.#current = this.#dial({ opened: cancel, settle });
      } catch (error) {
        settle(error);
      }
    });
    return ended(cause, peerOf(url), proof);
  }

  #dial({ opened, settle }: { opened: () => void; settle: (reason?: unknown) => void }): Client {
    const { url, clientId, isClean, will, tls, username, password } = this.options;
    const client = mqtt.connect(url, {
      protocolVersion: 4,
      clientId,
      clean: isClean,
      keepalive: KEEPALIVE_S,
      // A client serves one connection: waiting, trying again and queueing are ours.
      reconnectPeriod: 0,
      reconnectOnConnackError: true,
      resubscribe: false,
      queueQoSZero: false,
      connectTimeout: DIAL_MS,
      ...(will && { will: { ...will, qos: 1 as const, retain: false } }),
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password }),
      ...tls,
    });
    client.on('connect', () => {
      void this.#opened(client).then(opened);
    });
    client.on('message', (topic, payload) => {
      if (this.#current === client) this.listener.message(topic, payload);
    });
    const end = (reason?: unknown): void => {
      if (this.#current === client) settle(reason);
    };
    client.on('error', end);
    client.on('close', () => {
      end();
    });
    return client;
  }

  #hangUp(): void {
    const client = this.#current;
    this.#current = undefined;
    this.#client = undefined;
    client?.end(true);
    // It would wait for ever for answers if it was saying goodbye already.
    client?.stream.destroy();
  }

  /** Subscribes everything before anybody may send: no answer is missed. */
  async #opened(client: Client): Promise<void> {
    const wanted = [...this.#subscriptions];
    const given = await Promise.all(wanted.map(([filter, qos]) => subscribed(client, filter, qos)));
    if (this.#current !== client) return;
    this.#client = client;
    this.#upAt = this.options.clock.monotonic();
    this.listener.up(wanted.flatMap(([filter], index) => (given[index] === true ? [] : [filter])));
    for (const [filter, qos] of this.#subscriptions) {
      if (!wanted.some(([known]) => known === filter)) this.subscribe(filter, qos);
    }
  }

  #farewell(client: Client): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.options.clock.timer(FAREWELL_MS, resolve);
      client.end(false, {}, () => {
        cancel();
        resolve();
      });
    });
  }
}

/** Checks what the connection is made from. Throws `bad_request`. */
export function checkConnection({ url, tls }: Pick<SessionOptions, 'url' | 'tls'>): void {
  const scheme = URL.canParse(url) ? new URL(url).protocol : '';
  if (!['mqtt:', 'mqtts:', 'ws:', 'wss:'].includes(scheme)) {
    throw new EdgeError(
      'bad_request',
      'url: use mqtts://HOST:8883, wss://HOST:8884 or, on the node itself, mqtt://127.0.0.1:1883.',
    );
  }
  if (tls && scheme !== 'mqtts:' && scheme !== 'wss:') {
    throw new EdgeError('bad_request', 'tls: certificates need a url that begins with mqtts:// or wss://.');
  }
  if (tls && (tls.cert === undefined) !== (tls.key === undefined)) {
    throw new EdgeError('bad_request', 'tls: cert and key come together.');
  }
}

/** The address without user name, password and query. */
function peerOf(url: string): string {
  const { protocol, host } = new URL(url);
  return `${protocol}//${host}`;
}

function subscribed(client: Client, filter: string, qos: 0 | 1): Promise<boolean> {
  return new Promise((resolve) => {
    client.subscribe(filter, { qos }, (error) => {
      resolve(!error);
    });
  });
}
