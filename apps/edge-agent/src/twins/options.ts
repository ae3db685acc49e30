import type { ReportedDevice, TwinChange } from '@selvage/protocol';
import type { Clock } from '@selvage/reconcile';
import type { Logger } from 'pino';
import type { Records } from './keeper.js';
import type { Loadable } from './load.js';
import type { Publish } from './publisher.js';
import type { ReporterOptions } from './reporter.js';
import type { DesiredSource } from './wanted.js';

/** A message as the broker hands it over. */
export interface TwinMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly from: { readonly kind: 'device' | 'app' | 'local'; readonly id: string };
}

export type Taker = (message: TwinMessage) => Promise<void> | undefined;

export interface TwinsOptions {
  /** A message is acknowledged when the taker's promise resolves. Gives a function that ends it. */
  readonly bus: { take(filter: string, taker: Taker): () => void };
  readonly publish: Publish;
  readonly desired: DesiredSource;
  readonly reported: ReporterOptions['reported'];
  readonly journal: Records & Loadable;
  /** Takes every change before it is acknowledged; resolves when they are on the disk. */
  readonly events?: { append(changes: readonly TwinChange[]): Promise<void> };
  /** Tells when the first client with a device's own certificate has come, and when the last one has gone. */
  readonly presence?: { onChange(listener: (device: string, isConnected: boolean) => void): () => void };
  readonly clock: Clock;
  /** Makes UUIDs. */
  readonly newId: () => string;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  readonly node: { readonly hub: string; readonly project: string; readonly node: string };
}

/** Keeps the twins of this node's devices: what they report, and what is expected of them. */
export interface Twins {
  /**
   * Takes over what is on the disk, and messages from then on; the hub need not be there. Call it before the broker lets clients in, and
   * `poke` when the broker can publish: until then nobody is told anything.
   */
  start(): Promise<void>;
  /** Stores and answers what was taken, and ends. */
  stop(): Promise<void>;
  /** Brings the devices to what the hub wants; the first time, devices are told again what is expected of them. */
  poke(): void;
  /** A device as it is on the disk. */
  statusOf(id: string): ReportedDevice | undefined;
}
