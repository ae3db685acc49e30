/** A node for tests: a real broker, and the agent's own twin machine behind it. */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { DeviceProperty, TwinVersion } from '@selvage/protocol';
import { Aedes } from 'aedes';
import { type Handled, handle } from '../../../apps/edge-agent/src/twins/machine.js';
import { lampNode, wish } from '../../../apps/edge-agent/src/twins/test-lamp.js';
import type { TwinNode } from '../../../apps/edge-agent/src/twins/twin-node.js';

interface Received {
  readonly topic: string;
  readonly text: string;
}

/** Device `lamp` is bound to it unless its twin machine was given another node. */
export class TestNode {
  /** What clients published, oldest first. */
  readonly received: Received[] = [];
  /** Whether the agent behind the broker answers. */
  answers = true;
  /** CONNACK code for whoever connects. */
  refusal = 0;
  /** Publishes and subscriptions of topics that match are refused. */
  refused: RegExp | undefined;
  connections = 0;
  readonly #sockets = new Set<Socket>();
  #broker: Aedes | undefined;
  #server: Server | undefined;
  #port = 0;

  constructor(public twins: TwinNode) {}

  static async start(
    properties: Record<string, Partial<DeviceProperty> & Pick<DeviceProperty, 'type'>> = {},
  ): Promise<TestNode> {
    const node = new TestNode(lampNode(properties));
    await node.listen();
    return node;
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.#port}`;
  }

  /** Listens, on the same port as before; what the broker kept of its clients is there. */
  async listen(): Promise<void> {
    const broker = (this.#broker ??= await this.#makeBroker());
    this.#server = createServer((socket) => {
      this.connections += 1;
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      broker.handle(socket);
    }).listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    if (address !== null && typeof address === 'object') this.#port = address.port;
  }

  /** Takes a connection that came another way. */
  accept(stream: Duplex): void {
    this.#broker?.handle(stream);
  }

  /** Cuts every connection and answers no more until it listens again. */
  async kill(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    server?.close();
    this.cut();
    if (server) await once(server, 'close');
  }

  /** Cuts every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    await this.kill();
    await new Promise<void>((resolve) => {
      if (this.#broker) this.#broker.close(resolve);
      else resolve();
    });
  }

  /** The hub wants a value. */
  wish(key: string, value: string, version: TwinVersion): void {
    const [id] = this.twins.devices.keys();
    const payload = JSON.stringify({ event_id: 'c', twin: { [key]: wish(value, version.cloud, version.edge) } });
    const message = { from: 'cloud' as const, topic: `device/${id ?? ''}/twin/cloud_updated`, payload };
    this.#apply(handle(this.twins, message, this.#moment()));
  }

  /** A message from the node or an app on it. */
  publish(topic: string, payload: string | object, qos: 0 | 1 = 0): void {
    const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
    const packet = { cmd: 'publish' as const, topic, payload: text, qos, retain: false, dup: false };
    this.#broker?.publish(packet, () => undefined);
  }

  /** The lamp is a device of another name from here on. */
  rename(id: string): void {
    const bound = [...this.twins.devices.values()].map((device) => [id, { ...device, id }] as const);
    this.twins = { ...this.twins, devices: new Map(bound) };
  }

  /** The actual value of a key of the one device. */
  actual(key: string): string | undefined {
    const [device] = this.twins.devices.values();
    return device?.twin.get(key)?.actual?.value;
  }

  /** Texts that were published on topics that end so. */
  texts(end: string): string[] {
    return this.received.filter(({ topic }) => topic.endsWith(end)).map(({ text }) => text);
  }

  async #makeBroker(): Promise<Aedes> {
    const broker = await Aedes.createBroker({
      authenticate: (...[, , , done]) => {
        if (this.refusal === 0) done(null, true);
        else done(Object.assign(new Error('refused'), { returnCode: this.refusal }), null);
      },
      authorizePublish: (_client, { topic }, done) => {
        done(this.refused?.test(topic) === true ? new Error('not allowed') : null);
      },
      authorizeSubscribe: (_client, subscription, done) => {
        done(null, this.refused?.test(subscription.topic) === true ? null : subscription);
      },
    });
    broker.on('publish', ({ topic, payload }, client) => {
      if (!client || topic.startsWith('$SYS')) return;
      this.received.push({ topic, text: payload.toString() });
      if (this.answers)
        this.#apply(handle(this.twins, { from: 'mqtt', topic, payload: payload.toString() }, this.#moment()));
    });
    broker.on('clientError', () => undefined);
    return broker;
  }

  #apply({ node, out }: Handled): void {
    this.twins = node;
    for (const { to, topic, payload } of out) if (to === 'mqtt') this.publish(topic, payload);
  }

  #moment(): { now: number; newId: () => string } {
    return { now: Date.now(), newId: () => 'node' };
  }
}
