/** The parts of aedes' client that this floor works with, which aedes' own types leave out. */
import type { Client, Connection } from 'aedes';
import type { Principal } from './acl.js';
import type { BrokerPacket } from './packet.js';

export type Deliver = (packet: BrokerPacket, done: (error?: Error | null) => void) => void;

/** How a connection came to the broker: what its client can be known by beside what it says. */
export interface Peer {
  readonly listener: 'tls' | 'webSocket' | 'plain';
  /** Certificate that the TLS handshake verified, DER. */
  readonly certificate?: Buffer | undefined;
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
  readonly req: Peer | undefined;
  /** Ours: bytes that were written to it. */
  written: number;
  /** Ours: who it is, and whether that still holds. */
  who?: Principal;
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

/** A client of aedes with its inside. */
export function inner(client: Client): InnerClient {
  return client as unknown as InnerClient;
}
