import { names } from './filters.js';
import { type BrokerPacket, bytesOf } from './packet.js';
import { decodeMessage, encodeMessage } from './records.js';
import type { SessionStoreOptions } from './session-store.js';

export type RetainedOptions = Pick<SessionStoreOptions, 'records' | 'limits' | 'dropped'>;

interface Kept {
  readonly cmd: 'publish';
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: 0 | 1 | 2;
  readonly retain: true;
}

/** The last retained message of each topic [MQTT-3.3.1-5]. */
export class Retained {
  readonly #options: RetainedOptions;
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;

  constructor(options: RetainedOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#kept.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  async load(): Promise<void> {
    for await (const [, value] of this.#options.records.read('r/')) {
      const message = decodeMessage(value);
      if (message !== undefined) this.#set({ ...message, cmd: 'publish', retain: true });
    }
  }

  /** Keeps a message, or forgets the topic's when the payload is empty [MQTT-3.3.1-10]. Memory has it at once; resolves when the disk has it. */
  async store(packet: BrokerPacket): Promise<void> {
    const payload = bytesOf(packet.payload);
    const { topic } = packet;
    if (payload.byteLength === 0) {
      if (this.#drop(topic)) await this.#options.records.delete(keyOf(topic));
      return;
    }
    if (!this.#hasRoom(topic, payload)) {
      this.#options.dropped('retained_full', topic);
      return;
    }
    const qos = packet.qos === 2 ? 2 : packet.qos === 1 ? 1 : 0;
    // A copy of its own: what came is a part of a larger piece that was read.
    this.#set({ cmd: 'publish', topic, payload: Buffer.from(payload), qos, retain: true });
    await this.#options.records.put(keyOf(topic), encodeMessage({ topic, payload, qos, retain: true }));
  }

  *matching(filters: readonly string[]): Generator<Kept> {
    for (const filter of filters) {
      if (!/[+#]/.test(filter)) {
        const exact = this.#kept.get(filter);
        if (exact !== undefined) yield exact;
      } else for (const kept of this.#kept.values()) if (names(filter, kept.topic)) yield kept;
    }
  }

  #hasRoom(topic: string, payload: Buffer): boolean {
    const { retained, retainedBytes } = this.#options.limits();
    const before = this.#kept.get(topic);
    const bytes = this.#bytes - (before?.payload.byteLength ?? 0) + payload.byteLength;
    return bytes <= retainedBytes && (before !== undefined || this.#kept.size < retained);
  }

  #set(message: Kept): void {
    this.#drop(message.topic);
    this.#kept.set(message.topic, message);
    this.#bytes += message.payload.byteLength;
  }

  #drop(topic: string): boolean {
    const kept = this.#kept.get(topic);
    if (kept === undefined) return false;
    this.#kept.delete(topic);
    this.#bytes -= kept.payload.byteLength;
    return true;
  }
}

function keyOf(topic: string): string {
  return `r/${topic}`;
}
