/** The twin of a device: what it reports, and what is expected of it. */
import { EdgeError, MAX_DEVICE_PAYLOAD, type SyncTwin, toEdgeError, type TwinVersion } from '@selvage/protocol';
import type { Stop } from './events.js';
import type { Expected, Model, Reported } from './model.js';
import type { Requests } from './requests.js';
import { encode, expectedOf, keysOf, type TwinView, viewOf, type Wish, wishesOf } from './values.js';

/** `superseded`: newer values of all its keys took its place before it was sent. */
export type ReportResult = 'stored' | 'superseded';

/** Gets expected values that the device does not have yet: each once for each time that it is set. */
export type ExpectedHandler<M extends Model> = (values: Expected<M>) => unknown;

/** What a twin needs of its device. */
export interface TwinPorts<M extends Model> {
  readonly model: M | undefined;
  readonly requests: Requests;
  /** Throws when the device is closed. */
  readonly checkOpen: () => void;
  readonly failed: (error: EdgeError) => void;
}

/** One handler with what it was told. It is called again only when it is done, with the latest of what came meanwhile. */
interface Subscriber<M extends Model> {
  readonly handler: ExpectedHandler<M>;
  readonly told: Map<string, string>;
  next: Map<string, Wish>;
  isBusy: boolean;
  isStopped: boolean;
}

export class Twin<M extends Model = Model> {
  readonly #subscribers = new Set<Subscriber<M>>();

  constructor(private readonly ports: TwinPorts<M>) {}

  /**
   * Tells the node what the device measures or does. Resolves when the node has stored it; while offline it waits, and only the
   * latest value of each key is kept. With `ifVersion` it is written only if every key's actual value has that version: `conflict`
   * otherwise. Rejects with `bad_request` when a value does not fit the model or the node's.
   */
  async report(values: Reported<M>, { ifVersion }: { ifVersion?: TwinVersion } = {}): Promise<ReportResult> {
    this.ports.checkOpen();
    const encoded = encode(this.ports.model, values);
    const parts = new Map(
      [...encoded].map(([key, { value, type }]) => [key, { actual: { value }, metadata: { type } }] as const),
    );
    const body = (left: ReadonlyMap<string, unknown>): object => ({
      twin: Object.fromEntries(ifVersion ? parts : left),
      ...(ifVersion && { if_version: ifVersion }),
    });
    if (JSON.stringify(body(parts)).length > MAX_DEVICE_PAYLOAD - 256) {
      throw new EdgeError('body_too_large', `A report has at most ${MAX_DEVICE_PAYLOAD} bytes: make several of it.`);
    }
    const answered = await this.ports.requests.ask({ of: 'twin/update', body, ...(!ifVersion && { parts }) });
    return answered === 'superseded' ? 'superseded' : 'stored';
  }

  /** The twin as the node has it now, with versions. `not_found` when the device is not bound to the node. */
  async get(): Promise<TwinView<M>> {
    this.ports.checkOpen();
    return viewOf(this.ports.model, await this.#ask());
  }

  /**
   * Calls the handler with what is expected of the device and is not so yet: now, whenever a value is set, and after every
   * reconnect with what was set meanwhile. A failure of the handler is an `error` of the device; what it was told is told again
   * with the next news.
   */
  on(_event: 'expected', handler: ExpectedHandler<M>): Stop {
    const subscriber: Subscriber<M> = { handler, told: new Map(), next: new Map(), isBusy: false, isStopped: false };
    this.#subscribers.add(subscriber);
    this.refresh();
    return () => {
      subscriber.isStopped = true;
      this.#subscribers.delete(subscriber);
    };
  }

  /** Looks what is expected, for those who want to know. */
  refresh(): void {
    if (this.#subscribers.size === 0) return;
    this.#ask().then(
      (keys) => {
        this.#offer(keys);
      },
      (error: unknown) => {
        this.ports.failed(toEdgeError(error));
      },
    );
  }

  /** Takes a delta of the node; what is none is ignored. */
  delta(message: unknown): void {
    this.#offer(keysOf(message) ?? []);
  }

  async #ask(): Promise<[string, SyncTwin][]> {
    const body = (): object => ({ versions: true });
    const answered = await this.ports.requests.ask({ of: 'twin/get', body });
    const keys = answered === 'superseded' ? undefined : keysOf(answered.answer);
    if (!keys) throw new EdgeError('internal', 'twin/get: the node answered something that is no twin.');
    return keys;
  }

  #offer(keys: readonly [string, SyncTwin][]): void {
    if (this.#subscribers.size === 0) return;
    const wishes = wishesOf(this.ports.model, keys, (key, text) => {
      this.ports.failed(new EdgeError('bad_request', `${key}: the expected value ${text} does not fit the model.`));
    });
    for (const subscriber of this.#subscribers) {
      for (const [key, wish] of wishes) {
        if (subscriber.told.get(key) === wish.mark) continue;
        subscriber.told.set(key, wish.mark);
        subscriber.next.set(key, wish);
      }
      if (!subscriber.isBusy) void this.#tell(subscriber);
    }
  }

  async #tell(subscriber: Subscriber<M>): Promise<void> {
    subscriber.isBusy = true;
    while (subscriber.next.size > 0 && !subscriber.isStopped) {
      const wishes = subscriber.next;
      subscriber.next = new Map();
      try {
        await subscriber.handler(expectedOf<M>(wishes));
      } catch (error) {
        for (const key of wishes.keys()) subscriber.told.delete(key);
        this.ports.failed(
          new EdgeError('internal', `A handler of expected values failed: ${words(error)}`, { cause: error }),
        );
      }
    }
    subscriber.isBusy = false;
  }
}

function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
