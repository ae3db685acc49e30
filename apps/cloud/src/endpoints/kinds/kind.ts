import type { Outcome, Taken } from '@selvage/outbox';
import type { EndpointKind, EndpointSpec, RoutedMessage, RouteTarget } from '@selvage/protocol';
import type { Clock } from '@selvage/reconcile';
import type { Reach } from './reach.js';

/** A message on the last leg of its way. Of one key the messages come in order. */
export interface Outgoing {
  readonly message: RoutedMessage;
  /** Names the message for ever within the hub's outbox. */
  readonly seq: Taken['seq'];
  readonly key: string | undefined;
  /** The route's `topic` and `path`, filled in; absent when it has none. */
  readonly topic: string | undefined;
  readonly path: string | undefined;
  readonly target: RouteTarget;
  readonly route: { readonly project: string; readonly name: string };
}

/** An endpoint with its connection. Constructing it connects nothing. */
export interface Target {
  /** It stores many messages as one: a batch is to be as full as that, or its first message to have waited so long. */
  readonly gather?: { readonly messages: number; readonly bytes: number; readonly ms: number };
  /**
   * Hands messages over and says what became of each, in their order; after the first of a key that failed no later one of that key is
   * tried. Rejects when the other side is not there: then none was delivered and none is to blame. `delivered` means that the other
   * side has said so.
   */
  deliver(batch: readonly Outgoing[], signal: AbortSignal): Promise<readonly Outcome[]>;
  /** Whether the other side can be reached and takes the credentials. @throws EdgeError `endpoint_failed` with its answer. */
  test(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** What an endpoint is opened with. */
export interface Given<S extends EndpointSpec> {
  readonly spec: S;
  /** Properties of its secret; empty without one. */
  readonly credentials: Readonly<Record<string, string>>;
  readonly reach: Reach;
  readonly clock: Clock;
}

/** One kind of endpoint. */
export interface Kind<K extends EndpointKind = EndpointKind> {
  readonly kind: K;
  open(given: Given<Extract<EndpointSpec, { kind: K }>>): Target;
  /** What is wrong with a route's target of this kind; undefined when nothing is. */
  problem?(spec: Extract<EndpointSpec, { kind: K }>, target: RouteTarget): string | undefined;
}
