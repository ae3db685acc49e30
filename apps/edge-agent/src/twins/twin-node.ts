/** What a node knows of its devices, as plain data that is replaced and never changed. */
import type { DeviceProperty, MsgAttribute, StoredKey, TwinChange, TwinSide } from '@selvage/protocol';

export type Twin = ReadonlyMap<string, StoredKey>;
export type Attributes = ReadonlyMap<string, MsgAttribute>;
export type Properties = ReadonlyMap<string, DeviceProperty>;

/** One device bound to the node. `properties` is what its model says of the keys of its twin. */
export interface BoundDevice {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  /** As the device said it last. */
  readonly state: string;
  /** When the device last said that it is online, epoch milliseconds. */
  readonly lastOnlineAt?: number;
  /** Whether a client with the device's own certificate is connected; absent when none ever was. */
  readonly isPresent?: boolean;
  readonly attributes: Attributes;
  readonly properties: Properties;
  readonly twin: Twin;
}

export interface TwinNode {
  /** The node's name, as its topics have it. */
  readonly node: string;
  readonly devices: ReadonlyMap<string, BoundDevice>;
}

/** What a pure function cannot know by itself. `now` is the node's clock, epoch milliseconds; `newId` makes a UUID. */
export interface Moment {
  readonly now: number;
  readonly newId: () => string;
}

/** A message to publish on the broker or to send up. Members that are undefined are left out of its JSON. */
export interface Out {
  readonly to: 'mqtt' | 'cloud';
  readonly topic: string;
  readonly payload: object;
}

/**
 * What became of one key. `written`: sides were set, or the key was made without a value; `relaxed`: only `optional` changed;
 * `deleted`: the key is a tombstone now.
 */
export interface KeyChange {
  readonly key: string;
  readonly kind: 'written' | 'relaxed' | 'deleted';
  readonly last: StoredKey | undefined;
  readonly current: StoredKey;
  /** The sides that were set. */
  readonly sides: readonly TwinSide[];
}

/** What one message did to one device: the device as it is now, what to store of it, and what to say. */
export interface Outcome {
  /** Undefined when the device is not, or no longer, bound. The same object when nothing changed. */
  readonly device: BoundDevice | undefined;
  /** The keys of the twin that must be stored before anything of `out` is sent. */
  readonly written: readonly KeyChange[];
  readonly changes: readonly TwinChange[];
  readonly out: readonly Out[];
}

/** The key unless it was deleted. */
export function live(stored: StoredKey | undefined): StoredKey | undefined {
  return stored?.type === 'deleted' ? undefined : stored;
}

/** The twin with changes written into it; the same object when there are none. */
export function withChanges(twin: Twin, changes: readonly KeyChange[]): Twin {
  if (changes.length === 0) return twin;
  const next = new Map(twin);
  for (const { key, current } of changes) next.set(key, current);
  return next;
}

/** An outcome that says something and changes nothing. */
export function saying(device: BoundDevice | undefined, ...out: readonly Out[]): Outcome {
  return { device, written: [], changes: [], out };
}
