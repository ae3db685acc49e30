/** A node with a real broker, real outboxes and its routes, for tests; there is no hub. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { DEFAULT_TOTAL, type LaneRules, Outbox } from '@selvage/outbox';
import { type DesiredRoute, type ReportedRoute, reportedRoutes } from '@selvage/protocol';
import { systemClock } from '@selvage/reconcile';
import { decodeRouted, sectionValue } from '@selvage/wire';
import { Stage } from '../broker/test-stage.js';
import { CallRegistry } from '../link/index.js';
import { ReportedStore, SqliteOutboxStore } from '../state/index.js';
import { createRoutes, RouteRules, type Routes } from './index.js';
import { NODE, TestDesired } from './test-route.js';

const none = (): void => undefined;
const log = { info: none, warn: none, error: none };

export class TestSite {
  readonly stage = new Stage();
  readonly reported = new ReportedStore();
  readonly calls = new CallRegistry();
  readonly desired: TestDesired;
  readonly hub: Outbox;
  readonly local: Outbox;
  #routes: Routes | undefined;

  constructor(...routes: DesiredRoute[]) {
    this.desired = new TestDesired(...routes);
    const rules = new RouteRules(this.desired);
    this.hub = this.#outbox('outbox.db', rules.toHub);
    this.local = this.#outbox('routes.db', rules.local);
  }

  async start(): Promise<void> {
    await Promise.all([this.stage.start(), this.hub.start(), this.local.start()]);
    const { hub, local, desired, reported, calls } = this;
    const { bus, journal } = this.stage;
    this.#routes = createRoutes({
      ...{ hub, local, desired, reported, calls, bus, journal, log, clock: systemClock, newId: randomUUID, node: NODE },
      publish: (message) => this.stage.broker.publish(message),
    });
    await this.#routes.start();
    this.#routes.deliveries.start();
  }

  async stop(): Promise<void> {
    this.#routes?.deliveries.stop();
    await this.#routes?.stop();
    await this.stage.stop();
    await Promise.all([this.hub.stop(), this.local.stop()]);
    this.stage.folder.remove();
  }

  /** Lane, topic and payload of what waits for the hub. */
  async toHub(): Promise<string[]> {
    const taken = await this.hub.take({ messages: 1_000, bytes: 1_000_000 });
    await this.hub.rewind();
    return taken.map(({ lane, body }) => {
      const { topic, payload } = decodeRouted(body);
      return `${lane} ${topic} ${Buffer.from(payload).toString()}`;
    });
  }

  /** What a call of the hub is answered: all of it. */
  async call(method: string, params: unknown, signal = new AbortController().signal): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    const write = (chunk: Uint8Array): Promise<void> => {
      chunks.push(Buffer.from(chunk));
      return Promise.resolve();
    };
    await this.calls.get(method)(params, { write }, signal);
    return Buffer.concat(chunks);
  }

  /** What is told of a route. */
  report(uid: string): ReportedRoute | undefined {
    const section = this.reported.get('routes');
    if (section === undefined) return undefined;
    return reportedRoutes.parse(sectionValue(section.body)).routes.find((route) => route.uid === uid);
  }

  #outbox(file: string, rules: (lane: string) => LaneRules): Outbox {
    const path = join(this.stage.folder.path, file);
    const store = new SqliteOutboxStore({ path, clock: systemClock, log });
    return new Outbox({ store, clock: systemClock, rules, total: DEFAULT_TOTAL, maxMessage: 1_024_000 });
  }
}
