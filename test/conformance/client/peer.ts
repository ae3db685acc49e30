import { once } from 'node:events';
import { createConnection } from 'node:net';
import type { Duplex } from 'node:stream';
import { generate, type IPublishPacket, type ISubscription, type Packet, type PacketCmd, parser } from 'mqtt-packet';
import { ANSWER_MS, Inbox, type PacketOf } from './inbox.js';

/** A message as a subscriber sees it. */
export interface Message {
  readonly topic: string;
  readonly payload: string;
  readonly qos: number;
  readonly retain: boolean;
  readonly dup: boolean;
  readonly id: number | undefined;
}

type PublishOptions = Partial<Pick<IPublishPacket, 'qos' | 'retain' | 'dup' | 'messageId'>>;

/** One network connection to a broker that does nothing by itself: no acknowledgement, no ping, no reconnect. */
export class Peer {
  readonly inbox = new Inbox();
  private lastId = 0;

  constructor(private readonly stream: Duplex) {}

  /** Opens a TCP connection and sends nothing. */
  static async dial(address: { readonly host: string; readonly port: number }): Promise<Peer> {
    const socket = createConnection({ host: address.host, port: address.port, noDelay: true });
    const peer = new Peer(socket);
    peer.listen();
    await once(socket, 'connect');
    return peer;
  }

  /** Begins to read; called once. */
  listen(): void {
    const packets = parser({ protocolVersion: 4 });
    packets.on('packet', (packet) => {
      this.inbox.add(packet);
    });
    packets.on('error', (error: Error) => {
      this.inbox.end(`the broker sent a malformed packet (${error.message})`);
    });
    this.stream.on('data', (bytes: Buffer) => packets.parse(bytes));
    for (const event of ['error', 'end', 'close'])
      this.stream.on(event, () => {
        this.inbox.end('the connection was closed');
      });
  }

  write(...bytes: readonly Buffer[]): void {
    if (!this.stream.destroyed) this.stream.write(Buffer.concat(bytes));
  }

  send(...packets: readonly Packet[]): void {
    this.write(...packets.map((packet) => generate(packet, { protocolVersion: 4 })));
  }

  /** A packet id that this peer did not use yet. */
  freshId(): number {
    this.lastId += 1;
    return this.lastId;
  }

  /** The next packet of this kind; packets of other kinds stay for later. */
  async expect<C extends PacketCmd>(cmd: C): Promise<PacketOf<C>> {
    return this.inbox.take((packet): packet is PacketOf<C> => packet.cmd === cmd, cmd);
  }

  /** The next message, without any acknowledgement. */
  async message(): Promise<Message> {
    return messageIn(await this.expect('publish'));
  }

  /** The next message, acknowledged as its QoS demands. */
  async accept(): Promise<Message> {
    const message = await this.message();
    const messageId = message.id ?? 0;
    if (message.qos === 1) this.send({ cmd: 'puback', messageId });
    if (message.qos === 2) {
      this.send({ cmd: 'pubrec', messageId });
      await this.expect('pubrel');
      this.send({ cmd: 'pubcomp', messageId });
    }
    return message;
  }

  /** Payloads of this many next messages, each acknowledged. */
  async acceptMany(count: number): Promise<string[]> {
    const payloads: string[] = [];
    while (payloads.length < count) payloads.push((await this.accept()).payload);
    return payloads;
  }

  /** Subscribes and gives the return codes. */
  async subscribe(what: string | ISubscription[], qos: 0 | 1 | 2 = 0): Promise<number[]> {
    const subscriptions = typeof what === 'string' ? [{ topic: what, qos }] : what;
    this.send({ cmd: 'subscribe', messageId: this.freshId(), subscriptions });
    const { granted } = await this.expect('suback');
    return granted.map(Number);
  }

  /** Unsubscribes and waits for the acknowledgement. */
  async unsubscribe(...unsubscriptions: string[]): Promise<void> {
    this.send({ cmd: 'unsubscribe', messageId: this.freshId(), unsubscriptions });
    await this.expect('unsuback');
  }

  /** Publishes and goes through the whole acknowledgement of its QoS. */
  async publish(topic: string, payload: string, options: PublishOptions = {}): Promise<void> {
    const { qos = 0, retain = false, dup = false, messageId = qos === 0 ? undefined : this.freshId() } = options;
    const id = messageId === undefined ? {} : { messageId };
    this.send({ cmd: 'publish', topic, payload, qos, retain, dup, ...id });
    if (qos === 1) await this.expect('puback');
    if (qos === 2) {
      await this.expect('pubrec');
      this.send({ cmd: 'pubrel', messageId: messageId ?? 0 });
      await this.expect('pubcomp');
    }
  }

  /** A round trip: whatever the broker did for this connection before has arrived. */
  async ping(): Promise<void> {
    this.send({ cmd: 'pingreq' });
    await this.expect('pingresp');
  }

  /** Waits until the broker closes this connection. */
  async closed(timeoutMs = ANSWER_MS): Promise<void> {
    await this.inbox.ended(timeoutMs);
  }

  /** Sends bytes that must make the broker close this connection; two pings answered afterwards mean that it did not. */
  async isClosedBy(...bytes: readonly Buffer[]): Promise<void> {
    // The first ping travels in the same segment: a parser that reads beyond the end of a packet shows it.
    this.write(...bytes, generate({ cmd: 'pingreq' }));
    await this.pongOrEnd();
    if (!this.inbox.closed) {
      this.send({ cmd: 'pingreq' });
      await this.pongOrEnd();
    }
    if (!this.inbox.closed)
      throw new Error(`expected the connection to be closed, but it answers pings; ${this.inbox.state()}`);
  }

  /** Says DISCONNECT and waits for the end. */
  async disconnect(): Promise<void> {
    this.send({ cmd: 'disconnect' });
    this.stream.end();
    await this.closed();
  }

  /** Cuts the connection without DISCONNECT. */
  async drop(): Promise<void> {
    this.stream.destroy();
    await this.closed();
  }

  private async pongOrEnd(): Promise<void> {
    try {
      await this.expect('pingresp');
    } catch (error) {
      if (!this.inbox.closed) throw error;
    }
  }
}

/** The message that a PUBLISH carries. */
export function messageIn({ topic, payload, qos, retain, dup, messageId }: IPublishPacket): Message {
  return { topic, payload: payload.toString(), qos, retain, dup, id: messageId };
}
