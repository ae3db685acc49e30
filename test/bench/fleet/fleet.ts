import { dirname, join } from 'node:path';
import { endpoints } from '@selvage/protocol';
import { until } from '@selvage/testkit';
import { params } from '../../stage/site.js';
import type { BenchHub } from './bench-hub.js';
import { eachOf } from './enrol.js';
import type { Recruit } from './orders.js';
import { nameOf } from './simulated-node.js';
import { WorkerProcess } from './worker-process.js';

const WORKERS = 4;
const TOKENS_AT_ONCE = 32;
const JOINS_AT_ONCE = 16;
/** Links begun per second when a fleet is switched on. */
const SWITCH_ON = 400;
/** This many nodes carry the label `bench=some`; all carry `fleet=all`. */
export const LABELLED = 1000;

/** The simulated nodes of a hub: real identities and the agent's own link, in processes on the core of the load. */
export class Fleet {
  private readonly workers = Array.from(
    { length: WORKERS },
    () => new WorkerProcess(join(dirname(process.argv[1] ?? ''), 'worker.mjs')),
  );
  private enrolled = 0;

  constructor(
    private readonly hub: BenchHub,
    private readonly log: (line: string) => void,
  ) {}

  start(): void {
    for (const worker of this.workers) worker.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.stop()));
  }

  get size(): number {
    return this.enrolled;
  }

  /** Processor time that the simulated nodes have used, seconds. */
  get cpu(): number {
    return this.workers.reduce((sum, { cpu }) => sum + cpu, 0);
  }

  /** Enrols nodes until there are so many. Gives the seconds that the enrolments took, tokens and keys made before. */
  async enrol(count: number): Promise<number> {
    const from = this.enrolled;
    if (count <= from) return 0;
    await this.recruit(from, count);
    const ca = await (await fetch(`http://127.0.0.1:${this.hub.ports.link}/ca.pem`)).text();
    const [begun, cpu] = [performance.now(), this.hub.cpu];
    const order = { hubUrl: this.hub.linkUrl, ca, atOnce: JOINS_AT_ONCE };
    const total = await this.sum((worker) => worker.ask('enrol', order));
    const seconds = (performance.now() - begun) / 1000;
    this.enrolled = total;
    this.log(
      `${count - from} nodes enrolled in ${seconds.toFixed(1)} s, ${(this.hub.cpu - cpu).toFixed(1)} s of the hub's core`,
    );
    return seconds;
  }

  /** Links of the first `count` nodes, and no others; resolves when all are there. Gives the seconds that it took. */
  async connect(count: number): Promise<number> {
    const begun = performance.now();
    const order = { hubUrl: this.hub.linkUrl, count, perSecond: SWITCH_ON / WORKERS };
    await Promise.all(this.workers.map((worker) => worker.ask('connect', order)));
    const cpu = this.hub.cpu;
    await this.connectedAre(count);
    const seconds = (performance.now() - begun) / 1000;
    this.log(
      `${count} nodes connected after ${seconds.toFixed(1)} s, ${(this.hub.cpu - cpu).toFixed(1)} s of the hub's core`,
    );
    return seconds;
  }

  /** The same with bare WebSockets. */
  async connectBare(url: string, ca: string, count: number): Promise<void> {
    const order = { url, ca, count, perSecond: SWITCH_ON / WORKERS };
    await Promise.all(this.workers.map((worker) => worker.ask('bare', order)));
    await this.connectedAre(count);
  }

  connected(): Promise<number> {
    return this.sum(async (worker) => (await worker.ask('status', {})).connected);
  }

  async connectedAre(count: number, timeoutMs = 300_000): Promise<void> {
    await until(async () => (await this.connected()) === count, {
      timeoutMs,
      everyMs: 100,
      describe: async () => `${count} nodes to be connected; ${await this.connected()} are; ${await this.why()}`,
    });
  }

  /** Begins to note when nodes store a desired state, or ends it. */
  async watch(on: boolean): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.ask('watch', { on })));
  }

  /** The moments at which so many nodes had stored this revision, since the watch began. */
  async onStored(revision: number, count: number, timeoutMs = 120_000): Promise<number[]> {
    const have = (): Promise<number> =>
      this.sum(async (worker) => (await worker.ask('stored', { revision, times: false })).count);
    await until(async () => (await have()) >= count, {
      timeoutMs,
      everyMs: 100,
      describe: async () => `${count} nodes to store revision ${revision}; ${await have()} have`,
    });
    const all = await Promise.all(this.workers.map((worker) => worker.ask('stored', { revision, times: true })));
    return all.flatMap(({ times }) => times);
  }

  private async recruit(from: number, to: number): Promise<void> {
    const recruits: Recruit[] = [];
    const numbers = Array.from({ length: to - from }, (_, at) => from + at);
    const tokens = await Promise.all([0, 1, 2, 3].map((at) => this.hub.apiClient(`recruiter-${from}-${at}`)));
    const begun = performance.now();
    await eachOf(numbers, TOKENS_AT_ONCE, async (index) => {
      const client = tokens[index % tokens.length] ?? this.hub.client;
      const labels = { fleet: 'all', ...(index < LABELLED && { bench: 'some' }) };
      const { token } = await client.call(endpoints.nodes.join, {
        ...params(nameOf(index)),
        body: { labels, ttlSeconds: 86_400 },
      });
      recruits.push({ index, token });
    });
    this.log(`${recruits.length} join tokens in ${((performance.now() - begun) / 1000).toFixed(1)} s`);
    const shares = this.workers.map((_, at) => recruits.filter(({ index }) => index % WORKERS === at));
    await Promise.all(this.workers.map((worker, at) => worker.ask('prepare', { recruits: shares[at] ?? [] })));
  }

  private async why(): Promise<string> {
    const all = await Promise.all(this.workers.map((worker) => worker.ask('status', {})));
    return all.map(({ reason }) => reason).find((reason) => reason !== '') ?? '';
  }

  private async sum(ask: (worker: WorkerProcess) => Promise<number>): Promise<number> {
    return (await Promise.all(this.workers.map(ask))).reduce((sum, one) => sum + one, 0);
  }
}
