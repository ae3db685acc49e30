import type { LaneStatus, NewMessage, Outbox } from '@selvage/outbox';
import type { Position, ReportedRoutes } from '@selvage/protocol';
import type { Clock } from '@selvage/reconcile';
import type { Logger } from 'pino';
import type { z } from 'zod';
import type { Publish } from './publishing.js';

/** A message as the broker hands it over. */
export interface ClientMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly from: { readonly kind: 'device' | 'app' | 'local'; readonly id: string };
  /** When it came, epoch milliseconds. */
  readonly at: number;
}

export type Taker = (message: ClientMessage) => Promise<void> | undefined;

/** What is asked of the store of desired state. */
export interface DesiredSource {
  /** Null until the hub sent a first desired state. */
  readonly position: Position | null;
  read<T>(section: string, schema: z.ZodType<T>): T | undefined;
  onChange(section: string, listener: () => void): void;
}

/** Small records on the disk: what is put in one turn is written in one commit. */
export interface Records {
  put(key: string, value: Uint8Array): Promise<void>;
  delete(key: string): Promise<void>;
  read(prefix: string): AsyncIterable<readonly [key: string, value: Uint8Array]>;
}

export interface Appendable {
  append(message: NewMessage): Promise<void>;
}

/** What of an outbox tells how its lanes stand. */
export interface Standing {
  readonly lanes: readonly LaneStatus[];
  readonly drops: Outbox['drops'];
  readonly deadLanes: Outbox['deadLanes'];
}

/** Where it is said which calls of the hub are answered. */
export interface CallRegistry {
  register<T>(method: string, schema: { parse(value: unknown): T }, handler: CallHandler<T>): void;
}

type CallHandler<T> = (
  params: T,
  sink: { write(chunk: Uint8Array): Promise<void> },
  signal: AbortSignal,
) => Promise<void>;

export interface RoutesOptions {
  /** A message is acknowledged when the taker's promise resolves. Gives a function that ends it. */
  readonly bus: { take(filter: string, taker: Taker): () => void };
  /** Publishes on the node's own broker; resolves when it is on the disk, as far as it must be. */
  readonly publish: Publish;
  readonly desired: DesiredSource;
  readonly reported: { set(section: string, value: ReportedRoutes): void | Promise<void> };
  /** What goes to the hub, and what stays on this node. */
  readonly hub: Outbox;
  readonly local: Outbox;
  readonly journal: Records;
  readonly calls: CallRegistry;
  readonly clock: Clock;
  /** Makes UUIDs. */
  readonly newId: () => string;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  readonly node: { readonly project: string; readonly node: string };
}
