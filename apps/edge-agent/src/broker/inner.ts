/** The parts of aedes that this floor works with and its own types leave out: declared here only, and looked for before they are used. */
import type { X509Certificate } from 'node:crypto';
import type { Client, Connection } from 'aedes';
import type { Principal } from './acl.js';
import type { BrokerPacket } from './packet.js';

export type Deliver = (packet: BrokerPacket, done: (error?: Error | null) => void) => void;

/** How a connection came to the broker: what its client can be known by beside what it says. */
export interface Peer {
  readonly listener: 'tls' | 'webSocket' | 'plain';
  /** Where it comes from. */
  readonly address?: string | undefined;
  /** Certificate that the TLS handshake verified. */
  readonly certificate?: X509Certificate | undefined;
}

export interface InnerClient extends Omit<Client, 'id' | 'conn' | 'req'> {
  id: string;
  conn: Connection & { writableLength: number };
  deliver0: Deliver;
  deliverQoS: Deliver;
  subscriptions: Record<string, { readonly qos: number }>;
  will: BrokerPacket | null;
  _will: BrokerPacket | null;
  readonly _parser: InnerParser;
  /** Packets that are being handled; 0: the next bytes may be read. */
  readonly _parsingBatch: number;
  _nextBatch(): void;
  /** Ours: the listener that it came by. */
  peer?: Peer;
  /** Ours: bytes that were written to it. */
  written: number;
  /** Ours: who it is, until when, and whether that still holds. */
  who?: Principal;
  endsAt?: number | undefined;
  isCurrent?: () => boolean;
}

/** A packet as the parser gives it. */
export interface ParsedPacket extends BrokerPacket {
  length: number;
  clientId?: string;
  clean?: boolean;
  protocolVersion?: number;
  username?: string;
  password?: Buffer;
  will?: BrokerPacket;
  subscriptions?: { topic: string; qos: number }[];
  unsubscriptions?: string[];
}

/** mqtt-packet's parser as it is inside. */
export interface InnerParser {
  readonly packet: ParsedPacket;
  /** How far the body was read. */
  _pos: number;
  readonly _list: { readonly length: number; slice(from: number, to: number): Buffer; readUInt8(at: number): number };
  error: Error | null;
  _parseNum(): number;
  _parseString(): string | null;
  _parseLength(): boolean;
  _parseConnect(): void;
  _emitError(error: Error): unknown;
  on(event: 'packet', listener: (packet: ParsedPacket) => void): void;
  listeners(event: 'packet'): ((packet: ParsedPacket) => void)[];
  removeAllListeners(event: 'packet'): void;
}

/** The broker of aedes as it is inside. */
export interface InnerAedes {
  readonly mq: { emit(packet: BrokerPacket, done: (error?: Error) => void): void };
  readonly clients: Readonly<Record<string, InnerClient>>;
  counter: number;
}

/** What aedes does when a client is gone. */
export interface Unregistering {
  unregisterClient(client: InnerClient): void;
}

/** A client of aedes with its inside. @throws when this version of aedes has another one */
export function inner(client: object): InnerClient {
  if (isInnerClient(client)) return client;
  throw unknownInside('a client');
}

/** The broker of aedes with its inside, once it was made. @throws as above */
export function innerAedes(aedes: object): InnerAedes {
  if (isInnerAedes(aedes)) return aedes;
  throw unknownInside('the broker');
}

/** What aedes' own class does when a client is gone. @throws as above */
export function unregistering(prototype: object): Unregistering {
  if (isUnregistering(prototype)) return prototype;
  throw unknownInside('the class of the broker');
}

function isInnerClient(client: object): client is InnerClient {
  return '_parser' in client && '_nextBatch' in client && 'deliverQoS' in client && 'subscriptions' in client;
}

function isInnerAedes(aedes: object): aedes is InnerAedes {
  return 'mq' in aedes && 'clients' in aedes && 'counter' in aedes;
}

function isUnregistering(prototype: object): prototype is Unregistering {
  return 'unregisterClient' in prototype && typeof prototype.unregisterClient === 'function';
}

function unknownInside(of: string): Error {
  return new Error(`the inside of aedes is another one than expected: ${of}`);
}
