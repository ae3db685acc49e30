/** The twins slice with everything around it in memory, which can fail, hold on or stop at any step; for tests. */
import {
  type DesiredDevices,
  desiredDevices,
  type DesiredTwins,
  deviceTopic,
  type DeviceTopic,
  EdgeError,
  type Position,
  type TwinChange,
} from '@selvage/protocol';
import { FakeClock, settled } from '@selvage/testkit';
import { sectionValue } from '@selvage/wire';
import type { z } from 'zod';
import { ReportedStore } from '../state/index.js';
import { createTwins, type TwinMessage, type Twins } from './index.js';
import { names } from '../broker/filters.js';

export const NODE = { hub: '0123456789abcdef', project: 'default', node: 'node-1' };

/** What outlives the agent. */
export class Disk {
  readonly records = new Map<string, Uint8Array>();
  readonly events: TwinChange[] = [];
  readonly sections = new Map<string, unknown>();
  position: Position | null = null;
}

/** Everything that the agent does to the world, step by step. Without `end` it never stops. */
export class Steps {
  #taken = 0;
  constructor(readonly end = Infinity) {}

  get taken(): number {
    return this.#taken;
  }

  /** Does a step; from the last one on, nothing happens any more and no promise settles. */
  take(act: () => void): Promise<void> {
    if (this.#taken >= this.end) return new Promise(() => undefined);
    this.#taken += 1;
    act();
    return new Promise((resolve) => setImmediate(resolve)).then(() =>
      this.#taken >= this.end ? new Promise(() => undefined) : undefined,
    );
  }
}

export interface Said {
  readonly topic: string;
  readonly payload: unknown;
}

/** One life of the agent on a disk. */
export class World {
  readonly clock = new FakeClock();
  readonly said: Said[] = [];
  readonly log: string[] = [];
  readonly reported = new ReportedStore();
  readonly puts: string[] = [];
  /** While set, the disk takes nothing. */
  broken: Error | undefined;
  /** While set, the disk does not answer. */
  hung = false;
  brokenEvents: Error | undefined;
  /** While set, the broker takes nothing. */
  deaf = false;
  readonly twins: Twins;
  readonly #takers: { filter: string; taker: (message: TwinMessage) => Promise<void> | undefined }[] = [];
  readonly #listeners: { section: string; tell: () => void }[] = [];
  #present: (device: string, isConnected: boolean) => void = () => undefined;

  constructor(
    readonly disk = new Disk(),
    readonly steps = new Steps(),
  ) {
    let ids = 0;
    this.twins = createTwins({
      bus: {
        take: (filter, taker) => {
          const entry = { filter, taker };
          this.#takers.push(entry);
          return () => this.#takers.splice(this.#takers.indexOf(entry), 1);
        },
      },
      publish: ({ topic, payload }) =>
        this.deaf
          ? new Promise(() => undefined)
          : this.steps.take(() => this.said.push({ topic, payload: JSON.parse(payload) as unknown })),
      desired: this.#desired(),
      reported: this.reported,
      journal: this.#journal(),
      events: {
        append: (changes) =>
          this.brokenEvents ? Promise.reject(this.brokenEvents) : this.steps.take(() => disk.events.push(...changes)),
      },
      presence: { onChange: (listener) => ((this.#present = listener), () => undefined) },
      clock: this.clock,
      newId: () => `id-${(ids += 1)}`,
      log: {
        info: (_about: unknown, line = '') => void this.log.push(line),
        warn: (_about: unknown, line = '') => void this.log.push(line),
        error: (_about: unknown, line = '') => void this.log.push(line),
      },
      node: NODE,
    });
  }

  /** Says what the hub wants from now on. */
  want(devices: z.input<typeof desiredDevices>['devices'], twins: DesiredTwins['devices'] = []): Promise<void> {
    this.disk.position ??= { epoch: 'e', revision: 1 };
    this.disk.sections.set('devices', desiredDevices.parse({ devices, clients: [] }) satisfies DesiredDevices);
    this.disk.sections.set('twins', { devices: twins } satisfies DesiredTwins);
    for (const { tell } of this.#listeners) tell();
    return this.quiet();
  }

  /** What a device publishes of itself; resolves when it is acknowledged. */
  publish(id: string, of: DeviceTopic, body: unknown): Promise<void> {
    return this.send(deviceTopic(id, of), JSON.stringify(body), device(id));
  }

  async send(topic: string, payload: string, from: TwinMessage['from']): Promise<void> {
    const taken = this.#takers.filter(({ filter }) => names(filter, topic));
    const message = { topic, payload: Buffer.from(payload), from };
    await Promise.all(taken.map(async ({ taker }) => taker(message)));
  }

  /** Resolves when nothing happens any more by itself. */
  async quiet(): Promise<void> {
    let before: number;
    do {
      before = this.steps.taken;
      await settled();
    } while (this.steps.taken !== before);
  }

  connect(id: string, isConnected: boolean): void {
    this.#present(id, isConnected);
  }

  /** Payloads on topics of a device that end so. */
  heard(id: string, of: DeviceTopic): unknown[] {
    return this.said.filter(({ topic }) => topic === deviceTopic(id, of)).map(({ payload }) => payload);
  }

  /** What the hub would be sent of a device. */
  report(section: string): unknown {
    const found = this.reported.get(section);
    return found && sectionValue(found.body);
  }

  #desired() {
    const { disk } = this;
    return {
      get position() {
        return disk.position;
      },
      read: <T>(section: string, schema: z.ZodType<T>): T | undefined => {
        const value = disk.sections.get(section);
        if (value instanceof EdgeError) throw value;
        return value === undefined ? undefined : schema.parse(value);
      },
      onChange: (section: string, tell: () => void) => void this.#listeners.push({ section, tell }),
    };
  }

  #journal() {
    const { records } = this.disk;
    const act = (key: string, write: () => void): Promise<void> => {
      this.puts.push(key);
      if (this.hung) return new Promise(() => undefined);
      return this.broken ? Promise.reject(this.broken) : this.steps.take(write);
    };
    return {
      put: (key: string, value: Uint8Array) => act(key, () => records.set(key, value)),
      delete: (key: string) => act(key, () => records.delete(key)),
      read: async function* (prefix: string) {
        await Promise.resolve();
        for (const [key, value] of [...records]) if (key.startsWith(prefix)) yield [key, value] as const;
      },
    };
  }
}

export function device(id: string): TwinMessage['from'] {
  return { kind: 'device', id };
}

/** A device as section `devices` has it. */
export function wantedDevice(id: string, more: object = {}): z.input<typeof desiredDevices>['devices'][number] {
  return {
    ...{ id, name: id, description: '', properties: {}, attributes: {}, visitors: {} },
    credentials: { fingerprints: [], logins: [] },
    ...more,
  };
}

/** An update of actual values. */
export function actual(values: Readonly<Record<string, string>>, event_id = 'e'): object {
  const twin = Object.fromEntries(Object.entries(values).map(([key, value]) => [key, { actual: { value } }]));
  return { event_id, twin };
}
