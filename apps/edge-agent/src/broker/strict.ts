import { isUtf8 } from 'node:buffer';
import type { Counters } from './counters.js';
import type { InnerClient, InnerParser, ParsedPacket } from './inner.js';
import type { BrokerLimits } from '@selvage/protocol';

export interface StrictOptions {
  readonly limits: () => BrokerLimits;
  readonly counters: Counters;
  /** Told of a SUBSCRIBE when it is carried out; sets the QoS of what is refused to 128. */
  readonly subscribing: (client: InnerClient, subscriptions: { topic: string; qos: number }[]) => void;
}

/** Return codes of CONNACK. */
const UNKNOWN_LEVEL = 1;
const BAD_CLIENT_ID = 2;
/** A CONNECT is held while its client is looked at: it has less room than a message. */
const MAX_CONNECT = 128 * 1024;
const MAX_CLIENT_ID = 1_024;
/** MQTT 3.1 allows that many characters. */
const MAX_OLD_CLIENT_ID = 23;
const LEVELS = new Map([
  ['MQTT', 4],
  ['MQIsdp', 3],
]);
const WITH_ID = new Set(['puback', 'pubrec', 'pubrel', 'pubcomp', 'subscribe', 'unsubscribe']);

/**
 * Reads what a client sends as strictly as the standard asks, which aedes' parser does not: text that is UTF-8, bodies that are as
 * long as they say, packet ids, and a packet size that is looked at before the packet is held.
 */
export function readStrictly(client: InnerClient, options: StrictOptions): void {
  new StrictReader(client, options).install();
}

class StrictReader {
  readonly #parser: InnerParser;
  readonly #handle: ((packet: ParsedPacket) => void)[];
  #over = false;

  constructor(
    private readonly client: InnerClient,
    private readonly options: StrictOptions,
  ) {
    this.#parser = client._parser;
    this.#handle = this.#parser.listeners('packet');
  }

  install(): void {
    const parser = this.#parser;
    const parseLength = parser._parseLength.bind(parser);
    const parseConnect = parser._parseConnect.bind(parser);
    parser._parseString = () => this.#text();
    parser._parseLength = () => parseLength() && this.#isSmallEnough();
    parser._parseConnect = () => {
      if (this.#isKnownLevel()) parseConnect();
      else this.#refuse(UNKNOWN_LEVEL);
    };
    parser.removeAllListeners('packet');
    parser.on('packet', (packet) => {
      this.#take(packet);
    });
  }

  #take(packet: ParsedPacket): void {
    // [MQTT-3.14.4-2]: what comes behind a DISCONNECT is nobody's.
    if (this.#over) return;
    const problem = problemOf(packet, this.#parser._pos);
    if (problem !== undefined) {
      this.#malformed(problem);
      return;
    }
    if (packet.cmd === 'connect' && !hasGoodId(packet)) {
      this.#refuse(BAD_CLIENT_ID);
      return;
    }
    if (packet.cmd === 'disconnect') this.#over = true;
    if (packet.cmd === 'subscribe') this.#prepare(packet);
    for (const handle of this.#handle) handle.call(this.#parser, packet);
  }

  /**
   * Judges the subscriptions when aedes looks at them, which may be long after they came: then it is known whose they are. It cannot
   * replace them: it would merge equal filters, and answer with fewer return codes than there were filters [MQTT-3.8.4-5].
   */
  #prepare(packet: ParsedPacket): void {
    const subscriptions = packet.subscriptions ?? [];
    let isJudged = false;
    const get = (): typeof subscriptions => {
      if (!isJudged) this.options.subscribing(this.client, subscriptions);
      isJudged = true;
      return subscriptions;
    };
    Object.defineProperty(packet, 'subscriptions', { get, set: () => undefined });
  }

  /** Null, which the parser takes for an error, unless it is UTF-8 without U+0000 [MQTT-1.5.3-1, -2]. */
  #text(): string | null {
    const parser = this.#parser;
    const length = parser._parseNum();
    const end = parser._pos + length;
    if (length < 0 || end > parser._list.length || end > parser.packet.length) return null;
    const bytes = parser._list.slice(parser._pos, end);
    parser._pos = end;
    return isUtf8(bytes) && !bytes.includes(0) ? bytes.toString('utf8') : null;
  }

  #isSmallEnough(): boolean {
    const { cmd, length } = this.#parser.packet;
    const { packetBytes } = this.options.limits();
    if (length <= (cmd === 'connect' ? Math.min(packetBytes, MAX_CONNECT) : packetBytes)) return true;
    this.options.counters.add('packet_too_large');
    this.#parser._emitError(new Error(`a packet of ${length} bytes is too large`));
    return false;
  }

  #isKnownLevel(): boolean {
    const parser = this.#parser;
    if (this.client.connecting || this.client.connected) return true;
    const level = LEVELS.get(this.#text() ?? '');
    const isKnown =
      level === undefined || parser._pos >= parser.packet.length || parser._list.readUInt8(parser._pos) === level;
    parser._pos = 0;
    return isKnown;
  }

  #malformed(problem: string): void {
    this.#over = true;
    this.options.counters.add('malformed');
    this.#parser._emitError(new Error(problem));
  }

  /** Answers a CONNECT with a return code, and closes. */
  #refuse(code: number): void {
    this.#over = true;
    this.options.counters.add('connect_refused');
    this.#parser.error = new Error('refused');
    const { conn } = this.client;
    conn.removeAllListeners('readable');
    conn.resume();
    conn.end(Buffer.from([0x20, 2, 0, code]), () => conn.destroy());
  }
}

/** What is wrong with a packet that could be parsed; `read`: how far its body was. */
function problemOf(packet: ParsedPacket, read: number): string | undefined {
  const { cmd, qos, messageId, length } = packet;
  const isMessage = cmd === 'publish';
  if (isMessage ? read > length : read !== length) return `a ${cmd} packet that is not as long as its parts`;
  if ((WITH_ID.has(cmd) || (isMessage && qos > 0)) && (messageId ?? 0) < 1) return `a ${cmd} packet without an id`;
  if (cmd === 'unsubscribe' && packet.unsubscriptions?.length === 0) return 'UNSUBSCRIBE without a filter';
  if (cmd === 'subscribe' && packet.subscriptions?.length === 0) return 'SUBSCRIBE without a filter';
  if (cmd === 'connect') return connectProblem(packet);
  return undefined;
}

function connectProblem({ will, username, password }: ParsedPacket): string | undefined {
  if (will !== undefined && will.qos > 2) return 'a will of QoS 3';
  if (will !== undefined && (will.topic === '' || /[+#]/.test(will.topic))) return 'a will whose topic is none';
  if (password !== undefined && username === undefined) return 'a password without a user name';
  return undefined;
}

/** Whoever wants to keep a session, or speaks MQTT 3.1, brings an id for it [MQTT-3.1.3-7, -8]. */
function hasGoodId({ clientId = '', clean, protocolVersion }: ParsedPacket): boolean {
  if (clientId === '') return clean === true && protocolVersion === 4;
  return protocolVersion === 3 ? clientId.length <= MAX_OLD_CLIENT_ID : Buffer.byteLength(clientId) <= MAX_CLIENT_ID;
}
