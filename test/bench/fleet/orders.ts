import type { StoredAt } from './memory-state.js';

/** A node that is to join: its number in the fleet, and the token that the hub gave for it. */
export interface Recruit {
  readonly index: number;
  readonly token: string;
}

/** What a worker is told to do, and what it answers. Everything travels as JSON. */
export interface Orders {
  /** Makes keys and signing requests. */
  prepare: { input: { recruits: readonly Recruit[] }; answer: number };
  /** Trades what was prepared for certificates, a TLS connection each; answers how many there are now. */
  enrol: { input: { hubUrl: string; ca: string; atOnce: number }; answer: number };
  /** Links of the nodes below `count`, begun at a pace; the others are ended. */
  connect: { input: { hubUrl: string; count: number; perSecond: number }; answer: number };
  status: { input: object; answer: { connected: number; reason: string } };
  /** Notes from now on when nodes store a desired state. */
  watch: { input: { on: boolean }; answer: number };
  /** How many nodes have this revision since the watch began, and with `times` when each had it. */
  stored: { input: { revision: number; times: boolean }; answer: { count: number; times: number[] } };
  /** Bare WebSockets with the same identities, instead of links. */
  bare: { input: { url: string; ca: string; count: number; perSecond: number }; answer: number };
}

export type OrderName = keyof Orders;
export type Order = { [K in OrderName]: { id: number; name: K; input: Orders[K]['input'] } }[OrderName];
export interface Reply {
  readonly id: number;
  readonly answer?: unknown;
  readonly error?: string;
}

/** The moment at which a node first had the revision or a newer one. */
export function firstWith(revision: number, all: readonly StoredAt[] | undefined): number | undefined {
  return all?.find((one) => one.revision >= revision)?.at;
}
