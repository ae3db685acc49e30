/** A device: its twin, its messages and its commands over one connection that is made again for ever. */
import { deviceTopic, EdgeError, type NodeRef, toEdgeError, userTopic } from '@selvage/protocol';
import { checkPath, type CommandHandler, Commands } from './commands.js';
import { ConnectedTime } from './connected-time.js';
import type { DeviceEvents, Unsent } from './device-events.js';
import type { Ended } from './errors.js';
import { Events, type Stop } from './events.js';
import { STATE_TOPICS, stateMessage } from './incoming.js';
import type { Model } from './model.js';
import { type DeviceOptions, sessionOptions, type Settings, settingsOf } from './options.js';
import { Outbox, type OutMessage } from './outbox.js';
import { Presence, type ReportedState } from './presence.js';
import { idMaker, Requests } from './requests.js';
import { Session, type SessionListener } from './session.js';
import { Twin } from './twin.js';

/** What `send` takes; what is neither text nor bytes goes as JSON. */
export type Payload = string | Uint8Array | number | boolean | null | object;

const CLOSE_MS = 5_000;

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Makes a device and starts to connect, for ever until it is closed. It can be used at once: what cannot go out yet waits. Throws
 * `bad_request` when the options do not fit.
 */
export function connectDevice<const M extends Model = Model>(options: DeviceOptions<M>): Device<M> {
  const device = new Device(settingsOf(options));
  device.start();
  return device;
}

export class Device<M extends Model = Model> {
  /** Read and report values, and hear what is expected. */
  readonly twin: Twin<M>;
  readonly #events = new Events<DeviceEvents>();
  readonly #time: ConnectedTime;
  readonly #session: Session;
  readonly #outbox: Outbox;
  readonly #requests: Requests;
  readonly #commands: Commands;
  readonly #presence: Presence;
  readonly #waiting = new Set<Waiter>();
  #whenIdle: (() => void) | undefined;
  #wasTold = false;
  #dropped = 0;
  #closing: Promise<Unsent[]> | undefined;

  constructor(private readonly settings: Settings<M>) {
    const failed = this.#failed.bind(this);
    const settled = this.#settled.bind(this);
    this.#time = new ConnectedTime(settings.clock);
    this.#session = new Session(sessionOptions(settings), this.#listener());
    const session = this.#session;
    this.#outbox = new Outbox(settings.queue, {
      publish: (message, done) => {
        session.publish({ ...message, qos: 1 }, done);
      },
      dropped: this.#drop.bind(this),
      settled,
    });
    this.#requests = new Requests(settings.queue.maxMessages, {
      publish: (of, payload) => {
        session.publish({ topic: deviceTopic(settings.id, of), payload, qos: 1 });
      },
      newId: idMaker(),
      now: () => settings.clock.now(),
      time: this.#time,
      settled,
    });
    this.#commands = new Commands({
      subscribe: (filter) => {
        session.subscribe(filter, 1);
      },
      unsubscribe: (filter) => {
        session.unsubscribe(filter);
      },
      failed,
    });
    const requests = this.#requests;
    this.#presence = new Presence({ isAutomatic: settings.presence, requests, failed });
    this.twin = new Twin({ model: settings.model, requests, checkOpen: this.#checkOpen.bind(this), failed });
  }

  get id(): string {
    return this.settings.id;
  }

  get isConnected(): boolean {
    return this.#session.isUp;
  }

  /** Messages that will never arrive; each was rejected and named in an event. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Starts to connect; `connectDevice` has done it. */
  start(): void {
    const { signal, id } = this.settings;
    signal?.throwIfAborted();
    signal?.addEventListener('abort', () => void this.close({ timeoutMs: 0 }), { once: true });
    // State is never queued: with QoS 0 the broker keeps none of it for a device that is away. It is read after a reconnect.
    for (const of of STATE_TOPICS) this.#session.subscribe(deviceTopic(id, of), 0);
    this.#session.start();
  }

  on<K extends keyof DeviceEvents>(event: K, listener: (...args: DeviceEvents[K]) => void): Stop {
    return this.#events.on(event, listener);
  }

  /** Resolves when connected. Rejects when the node refuses the device, when it is closed, or when the signal aborts. */
  ready(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      this.#checkOpen();
      if (this.isConnected) {
        resolve();
        return;
      }
      const waiter = { resolve, reject };
      this.#waiting.add(waiter);
      signal?.addEventListener('abort', () => {
        this.#waiting.delete(waiter);
        reject(toEdgeError(signal.reason));
      });
    });
  }

  /**
   * Sends a message to `{project}/nodes/{node}/user/{path}`. With QoS 1 it waits while the node is away, arrives at least once and
   * resolves when the broker has it; with QoS 0 it goes now or rejects with `node_offline`. A full queue rejects with
   * `too_many_requests`, a topic that is not allowed with `forbidden`.
   */
  async send(path: string, payload: Payload, { qos = 1 }: { qos?: 0 | 1 } = {}): Promise<void> {
    this.#checkOpen();
    checkPath(path, 'topic');
    const isPlain = typeof payload === 'string' || payload instanceof Uint8Array;
    const message = { topic: userTopic(this.#place(), path), payload: isPlain ? payload : JSON.stringify(payload) };
    if (qos === 1) await this.#outbox.add(message);
    else this.#sendNow(message);
  }

  /**
   * Calls the handler for messages to `{project}/nodes/{node}/user/{path}`, where `+` stands for one level and `#` for the rest.
   * Those of QoS 1 come at least once, also when they were sent while the device was away. A filter that the node refuses is an
   * `error`.
   */
  onCommand(path: string, handler: CommandHandler): Stop {
    this.#checkOpen();
    checkPath(path, 'filter');
    return this.#commands.on(userTopic(this.#place(), path), handler);
  }

  /** Says how the device is, now and after every reconnect. Resolves when the node knows, or when a newer state took its place. */
  async state(state: ReportedState): Promise<void> {
    this.#checkOpen();
    await this.#presence.set(state);
  }

  /**
   * Takes nothing new, waits until all is sent and answered, at most `timeoutMs` (5 s), says goodbye and stays away. Gives what
   * could not be sent; whoever waits for that is told `call_cancelled`.
   */
  close({ timeoutMs = CLOSE_MS }: { timeoutMs?: number } = {}): Promise<Unsent[]> {
    this.#closing ??= this.#close(timeoutMs);
    return this.#closing;
  }

  async #close(timeoutMs: number): Promise<Unsent[]> {
    if (this.isConnected && timeoutMs > 0) this.#presence.leave();
    if (timeoutMs > 0) await this.#drained(timeoutMs);
    const reason = new EdgeError('call_cancelled', 'The device was closed before the node had this.');
    const asked = this.#requests.giveUp(reason);
    const unsent = this.#outbox.giveUp(reason);
    await this.#session.stop();
    this.#endWaiting(({ reject }) => {
      reject(reason);
    });
    return [...unsent, ...asked.map((of) => ({ topic: deviceTopic(this.id, of) }))];
  }

  #drained(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.settings.clock.timer(timeoutMs, resolve);
      this.#whenIdle = () => {
        cancel();
        resolve();
      };
      this.#settled();
    });
  }

  #settled(): void {
    if (this.#outbox.size === 0 && this.#requests.size === 0) this.#whenIdle?.();
  }

  #listener(): SessionListener {
    return {
      up: this.#up.bind(this),
      down: this.#down.bind(this),
      refused: this.#refused.bind(this),
      message: this.#take.bind(this),
    };
  }

  #up(refused: readonly string[]): void {
    const own = STATE_TOPICS.map((of) => deviceTopic(this.id, of)).filter((topic) => refused.includes(topic));
    this.#wasTold = false;
    this.#time.resume();
    this.#outbox.connected();
    for (const filter of refused) if (!own.includes(filter)) this.#refused(filter);
    if (own.length === 0) {
      if (!this.#closing) this.#presence.announce();
      this.twin.refresh();
      this.#requests.connected();
    } else {
      const detail = `The node does not let this client be the device ${this.id}: check its credentials.`;
      const error = new EdgeError('forbidden', detail);
      this.#requests.giveUp(error);
      this.#failed(error);
    }
    this.#endWaiting(({ resolve }) => {
      resolve();
    });
    this.#events.emit('connected');
  }

  #down({ reason, isRefusal }: Ended): void {
    this.#time.pause();
    this.#requests.disconnected();
    this.#outbox.disconnected();
    if (this.#closing) return;
    if (isRefusal) {
      this.#endWaiting(({ reject }) => {
        reject(reason);
      });
      this.#failed(reason);
    }
    if (!this.#wasTold) this.#events.emit('disconnected', reason);
    this.#wasTold = true;
  }

  #endWaiting(end: (waiter: Waiter) => void): void {
    for (const waiter of this.#waiting) end(waiter);
    this.#waiting.clear();
  }

  #take(topic: string, payload: Uint8Array): void {
    this.#commands.take(topic, payload);
    const message = stateMessage(this.id, topic, payload);
    if (!message) return;
    if (message.of !== 'twin/update/delta') {
      this.#requests.answered(message.eventId, message.body);
      return;
    }
    this.twin.delta(message.body);
    if (!this.#closing) this.#presence.announceAgain();
  }

  #sendNow(message: OutMessage): void {
    if (this.isConnected) {
      this.#session.publish({ ...message, qos: 0 });
      return;
    }
    const reason = new EdgeError('node_offline', `${message.topic}: a message of QoS 0 does not wait for the node.`);
    this.#drop(message, reason);
    throw reason;
  }

  #drop({ topic, payload }: OutMessage, reason: EdgeError): void {
    this.#dropped += 1;
    this.#events.emit('dropped', { topic, payload }, reason);
  }

  #refused(filter: string): void {
    this.#failed(
      new EdgeError('forbidden', `${filter}: the node does not let this device subscribe it. Ask for a grant.`),
    );
  }

  /** What ends because the device is closed is nobody's failure. */
  #failed(error: EdgeError): void {
    if (!this.#closing) this.#events.emit('error', error);
  }

  #checkOpen(): void {
    if (this.#closing) throw new EdgeError('call_cancelled', 'The device is closed.');
  }

  #place(): NodeRef {
    const { place } = this.settings;
    if (place) return place;
    throw new EdgeError('bad_request', 'node: free messages go over a node by its name: give it to connectDevice.');
  }
}
