import { Injectable } from '@nestjs/common';
import type { ShownKey } from '@selvage/protocol';
import type { Transaction } from '../db/index.js';
import type { Properties } from './merged.rules.js';

/** A device whose twin is to be shown. `id` names the row, not the device on the broker. */
export interface TwinOf {
  readonly id: string;
  readonly properties: Properties;
}
/** The twins of devices, by the id of the row. */
export type TwinLookup = (devices: readonly TwinOf[]) => Promise<ReadonlyMap<string, Record<string, ShownKey>>>;
/** Keys that devices have no more. */
export interface Withdrawn {
  readonly id: string;
  readonly keys: readonly string[];
}

/** What another slice does in the transaction that changes devices, with a number of queries that does not grow with each. */
export interface DeviceFollower {
  /** Properties were removed. */
  withdrawn(tx: Transaction, devices: readonly Withdrawn[]): Promise<void>;
  /** Devices belong to another node than before, or to none. */
  rebound(tx: Transaction, ids: readonly string[]): Promise<void>;
  /** A device was deleted. */
  removed(tx: Transaction, id: string): Promise<void>;
}

/** Where the slice of twins says what it knows and what it does about devices. */
@Injectable()
export class DeviceHooks {
  private lookup: TwinLookup = () => Promise.resolve(new Map());
  private readonly followers: DeviceFollower[] = [];

  twinsBy(lookup: TwinLookup): void {
    this.lookup = lookup;
  }

  follow(follower: DeviceFollower): void {
    this.followers.push(follower);
  }

  twins(devices: readonly TwinOf[]): ReturnType<TwinLookup> {
    return this.lookup(devices);
  }

  async withdrawn(tx: Transaction, devices: readonly Withdrawn[]): Promise<void> {
    if (devices.length > 0) for (const one of this.followers) await one.withdrawn(tx, devices);
  }

  async rebound(tx: Transaction, ids: readonly string[]): Promise<void> {
    if (ids.length > 0) for (const one of this.followers) await one.rebound(tx, ids);
  }

  async removed(tx: Transaction, id: string): Promise<void> {
    for (const one of this.followers) await one.removed(tx, id);
  }
}
