import { randomUUID } from 'node:crypto';
import type { Outcome } from '@selvage/outbox';
import { asAway, asFailed, failed, rejected, wordsOf } from './away.js';
import { dial, trust } from './dial.js';
import { inTime } from './in-time.js';
import type { Given, Kind, Outgoing, Target } from './kind.js';
import { MqttLine } from './mqtt-line.js';

type Spec = Parameters<(typeof mqtt)['open']>[0]['spec'];

const ANSWER_MS = 30_000;
const WAITS: Outcome = { is: 'waits' };

/** `PUBLISH` with QoS 1 to a broker of MQTT 3.1.1: a message has arrived when the broker has acknowledged it. */
export const mqtt: Kind<'mqtt'> = {
  kind: 'mqtt',
  open: (given) => new Mqtt(given),
  problem: (_spec, target) => {
    if (target.path !== undefined) return 'a broker has no path; use topic';
    return target.qos === 0 ? 'other brokers are sent to with QoS 1, since only that says what arrived' : undefined;
  },
};

class Mqtt implements Target {
  private readonly who: string;
  private readonly clientId: string;
  private readonly closing = new AbortController();
  private line: Promise<MqttLine> | undefined;
  /** A connection ended over messages: one that the broker cannot bear would end the next one too, and is looked for. */
  private oneByOne = false;

  constructor(private readonly given: Given<Spec>) {
    this.who = new URL(given.spec.url).host;
    this.clientId = given.spec.clientId ?? `selvage-${randomUUID()}`;
  }

  async deliver(batch: readonly Outgoing[], signal: AbortSignal): Promise<readonly Outcome[]> {
    try {
      const line = await this.opened(signal);
      const tried = this.oneByOne ? batch.slice(0, 1) : batch;
      const settled = await this.settled(line, Promise.all(tried.map((one) => publish(line, one))), signal);
      return this.outcomes(line, settled, batch.length);
    } catch (error) {
      throw asAway(error, this.who);
    }
  }

  async test(signal: AbortSignal): Promise<void> {
    try {
      // A name of its own: a broker ends the connection of whoever has the same one.
      const line = await this.connect(`${this.clientId}-test`, signal);
      line.close();
    } catch (error) {
      throw asFailed(error, this.who);
    }
  }

  async close(): Promise<void> {
    const { line } = this;
    this.closing.abort(new Error('it was closed'));
    (await line?.catch(() => undefined))?.close();
  }

  /** The connection, made when there is none. All who ask meanwhile wait for the same one. */
  private async opened(signal: AbortSignal): Promise<MqttLine> {
    const before = this.line;
    const there = await before?.catch(() => undefined);
    if (there?.isOpen === true) return there;
    if (this.line === before || this.line === undefined) this.line = this.connect(this.clientId, this.closing.signal);
    return inTime(this.line, this.patience(signal));
  }

  private async connect(clientId: string, signal: AbortSignal): Promise<MqttLine> {
    const { spec, credentials, reach } = this.given;
    const { hostname: host, port, protocol } = new URL(spec.url);
    const { username, password, certificate: cert, key } = credentials;
    const tls = protocol === 'mqtts:' ? { ...trust(spec.ca), ...(cert !== undefined && { cert, key }) } : undefined;
    const to = { host, port: Number(port) || (tls === undefined ? 1883 : 8883), tls };
    const line = new MqttLine({
      clientId,
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password }),
      connectTimeout: ANSWER_MS,
      socket: () => dial(reach, to),
    });
    try {
      await inTime(line.opened(), this.patience(signal));
      return line;
    } catch (error) {
      line.drop(errorOf(error));
      throw error;
    }
  }

  /** What became of all; a broker that is silent for too long is left. */
  private async settled<T>(line: MqttLine, all: Promise<T>, signal: AbortSignal): Promise<T> {
    try {
      return await inTime(all, this.patience(signal));
    } catch (error) {
      if (signal.aborted) throw error;
      line.drop(errorOf(error));
      return all;
    }
  }

  private outcomes(line: MqttLine, settled: readonly (Outcome | Error)[], count: number): readonly Outcome[] {
    const lost = settled.find((one) => one instanceof Error);
    const blamed = this.oneByOne && line.endedOverOne && settled.length === 1;
    this.oneByOne = lost !== undefined;
    const known = settled.map((one) => {
      if (!(one instanceof Error)) return one;
      return blamed ? failed(`${this.who}: ${wordsOf(one)}, with this message as the only one on its way.`) : WAITS;
    });
    if (lost !== undefined && known.every(({ is }) => is === 'waits')) throw lost;
    return [...known, ...Array.from({ length: count - known.length }, () => WAITS)];
  }

  private patience(signal: AbortSignal): { clock: Given<Spec>['clock']; ms: number; signal: AbortSignal; who: string } {
    return { clock: this.given.clock, ms: ANSWER_MS, signal, who: this.who };
  }
}

/** Its outcome, or the error by which it was left without one. */
async function publish(line: MqttLine, { topic: filled, message, target }: Outgoing): Promise<Outcome | Error> {
  const topic = filled ?? message.topic;
  if (topic === '' || /[+#\0]/.test(topic)) return rejected(`"${topic}" is no topic that can be published to.`);
  try {
    await line.publish(topic, message.payload, { retain: target.retain ?? false });
    return { is: 'delivered' };
  } catch (error) {
    return errorOf(error);
  }
}

function errorOf(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
