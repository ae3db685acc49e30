import type { IConnackPacket, IConnectPacket, IPublishPacket, Packet } from 'mqtt-packet';
import type { Address, BrokerUnderTest } from './broker-under-test.js';
import { has } from './client/check.js';
import { type Message, messageIn, Peer } from './client/peer.js';

type ConnectOptions = Partial<Omit<IConnectPacket, 'cmd'>>;
/** A connected peer and what the broker said to its CONNECT. */
export interface Client extends Peer {
  readonly connack: IConnackPacket;
}

/** What one clause works with: a running broker, client ids and topics that no other clause uses, and connections to it. */
export class Scene {
  private readonly peers: Peer[] = [];
  private marks = 0;

  constructor(
    private readonly broker: BrokerUnderTest,
    readonly address: Address,
    private readonly tag: string,
  ) {}

  /** See `BrokerUnderTest`. */
  get keepaliveSlackMs(): number {
    return this.broker.keepaliveSlackMs;
  }

  /** A topic of this clause. */
  topic(name: string): string {
    return `${this.tag}/${name}`;
  }

  /** A client id of this clause. */
  id(name: string): string {
    return `${this.tag}${name}`;
  }

  /** A TCP connection on which nothing was said. */
  async dial(): Promise<Peer> {
    return this.watch(await Peer.dial(this.address));
  }

  /** A connection with this CONNECT sent; the answer is not looked at. */
  async connecting(name: string, options: ConnectOptions = {}): Promise<Peer> {
    const peer = await this.dial();
    const defaults = { protocolId: 'MQTT', protocolVersion: 4, clean: true, keepalive: 0 } as const;
    peer.send({ cmd: 'connect', clientId: this.id(name), ...defaults, ...options });
    return peer;
  }

  /** A client that was let in. */
  async client(name: string, options: ConnectOptions = {}): Promise<Client> {
    const peer = await this.connecting(name, options);
    const connack = await peer.expect('connack');
    has('connack', connack, { returnCode: 0 });
    return Object.assign(peer, { connack });
  }

  /** A client that was let in and subscribed to one filter. */
  async subscriber(name: string, filter: string, qos: 0 | 1 | 2, options: ConnectOptions = {}): Promise<Client> {
    const client = await this.client(name, options);
    await client.subscribe(filter, qos);
    return client;
  }

  /** Publishes once from a connection of its own. */
  async publishes(topic: string, payload: string, options: Parameters<Peer['publish']>[2] = {}): Promise<void> {
    const publisher = await this.client(this.fresh('p'));
    await publisher.publish(topic, payload, options);
    if (options.qos === undefined || options.qos === 0) await publisher.ping();
    await publisher.disconnect();
  }

  /** What a new subscriber to this filter is given as retained. */
  async retainedAt(filter: string, qos: 0 | 1 | 2 = 2): Promise<Message[]> {
    const reader = await this.client(this.fresh('r'));
    await reader.subscribe(filter, qos);
    const messages = await this.messagesOf(reader);
    await reader.disconnect();
    return messages;
  }

  /** Throws when a message came to this peer, or still comes before a mark that is published now. */
  async nothingFor(peer: Peer): Promise<void> {
    const messages = await this.messagesOf(peer);
    if (messages.length > 0) throw new Error(`expected no message, but came: ${JSON.stringify(messages)}`);
  }

  /** Every message that came to this peer until a mark, which somebody else publishes now, has come; none is acknowledged. */
  async messagesOf(peer: Peer): Promise<Message[]> {
    const mark = `mark/${this.tag}/${this.fresh('m')}`;
    await peer.subscribe(mark, 1);
    await this.publishes(mark, 'mark', { qos: 1 });
    const isMark = (packet: Packet): packet is IPublishPacket => isPublish(packet) && packet.topic === mark;
    const { messageId } = await peer.inbox.take(isMark, 'the mark');
    if (messageId !== undefined) peer.send({ cmd: 'puback', messageId });
    await peer.unsubscribe(mark);
    await peer.ping();
    const came = peer.inbox.takeAll((packet) => isPublish(packet) && packet.topic !== mark);
    return came.filter(isPublish).map(messageIn);
  }

  /** Adds a connection that is cut at the end of the clause. */
  watch(peer: Peer): Peer {
    this.peers.push(peer);
    return peer;
  }

  async restart(): Promise<void> {
    await this.broker.restart();
  }

  /** Cuts every connection that the clause left open. */
  async close(): Promise<void> {
    for (const peer of this.peers) await peer.drop();
  }

  private fresh(prefix: string): string {
    this.marks += 1;
    return `${prefix}${this.marks}`;
  }
}

const isPublish = (packet: Packet): packet is IPublishPacket => packet.cmd === 'publish';
