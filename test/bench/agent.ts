import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { pushImage, startRegistry, until } from '@selvage/testkit';
import { endpoints } from '@selvage/protocol';
import { appOn, instanceOf, removeContainersOf } from '../stage/containers.js';
import { AgentProcess, HubProcess, params } from '../stage/site.js';
import { type Figure, median } from './figure.js';
import { cpuSeconds, pidsOf, residentMiB } from './resources.js';

const APPS = 10;
const IDLE_SECONDS = Number(process.env.SELVAGE_BENCH_IDLE_SECONDS ?? 600);

/** A hub and one agent that is ready, for as long as `use` lasts. */
async function withAgent<T>(use: (hub: HubProcess, agent: AgentProcess) => Promise<T>): Promise<T> {
  const hub = new HubProcess({ env: { SELVAGE_HEARTBEAT_SECONDS: '30' } });
  const agent = new AgentProcess('bench');
  try {
    await hub.start();
    await agent.join(hub);
    agent.program.start();
    await hub.nodeIs('bench', 'ready');
    return await use(hub, agent);
  } finally {
    await agent.close();
    await removeContainersOf(hub, 'bench');
    await hub.close();
  }
}

async function emptyNode<T>(use: (pid: number) => Promise<T>): Promise<T> {
  const child = spawn(process.execPath, ['-e', 'console.log(1); setInterval(() => {}, 1e6)'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  try {
    await once(child.stdout, 'data');
    return await use(child.pid ?? 0);
  } finally {
    child.kill();
  }
}

export const agentMemory: Figure = {
  number: 1,
  title: `agent resident memory with ${APPS} apps`,
  unit: 'MiB',
  target: '≤ 70 MiB',
  measure: async ({ pairs }) => {
    const registry = await startRegistry();
    const image = await pushImage(registry, { name: 'bench', tag: '1' });
    const ours: number[] = [];
    const idle: number[] = [];
    const empty: number[] = [];
    for (let pair = 0; pair < pairs; pair += 1) {
      await withAgent(async (hub, agent) => {
        idle.push(residentMiB(agent.program.pid));
        await deploy(hub, image);
        ours.push(residentMiB(agent.program.pid));
      });
      empty.push(await emptyNode((pid) => Promise.resolve(residentMiB(pid))));
    }
    await registry.stop();
    const beside = [
      { name: 'agent without apps', values: idle },
      { name: 'empty Node process', values: empty },
    ];
    return { ours, beside, met: median(ours) <= 70, how: 'Rss of /proc/PID/smaps_rollup when the apps run' };
  },
};

async function deploy(hub: HubProcess, image: string): Promise<void> {
  const names = Array.from({ length: APPS }, (_, index) => `app-${index}`);
  for (const name of names) {
    const spec = appOn('bench', [{ name: 'c', image }]) as never;
    await hub.client.call(endpoints.apps.put, { ...params(name), body: { labels: {}, spec } });
  }
  for (const name of names) {
    await until(async () => (await instanceOf(hub, name))?.state === 'running', {
      timeoutMs: 120_000,
      describe: () => name,
    });
  }
}

export const agentIdle: Figure = {
  number: 2,
  title: `agent idle processor time over ${IDLE_SECONDS} s`,
  unit: '% of a core',
  target: '≤ 0.3 %',
  measure: () =>
    withAgent(async (_hub, agent) => {
      const engine = pidsOf('dockerd')[0] ?? 0;
      const settled = Date.now() + 10_000;
      await until(() => Date.now() > settled, { timeoutMs: 60_000, describe: () => 'the agent to settle' });
      const before = [cpuSeconds(agent.program.pid), cpuSeconds(engine)] as const;
      const end = Date.now() + IDLE_SECONDS * 1000;
      await until(() => Date.now() > end, {
        timeoutMs: IDLE_SECONDS * 1000 + 60_000,
        describe: () => 'the time to pass',
      });
      const share = (pid: number, since: number): number => ((cpuSeconds(pid) - since) / IDLE_SECONDS) * 100;
      const ours = [share(agent.program.pid, before[0])];
      const beside = [{ name: 'dockerd', values: [share(engine, before[1])] }];
      return { ours, beside, met: median(ours) <= 0.3, how: 'user and system time of /proc/PID/stat' };
    }),
};

export const agentStart: Figure = {
  number: 3,
  title: 'agent cold start until the broker accepts',
  unit: 's',
  target: '≤ 0.7 s',
  measure: ({ pairs }) =>
    withAgent(async (_hub, agent) => {
      const ours: number[] = [];
      const empty: number[] = [];
      for (let pair = 0; pair < pairs; pair += 1) {
        await agent.program.stop();
        const from = performance.now();
        agent.program.clear();
        agent.program.start();
        await until(() => agent.program.output.includes('started'), {
          timeoutMs: 30_000,
          everyMs: 2,
          describe: () => 'the agent to start',
        });
        ours.push((performance.now() - from) / 1000);
        const then = performance.now();
        execFileSync(process.execPath, ['-e', '0']);
        empty.push((performance.now() - then) / 1000);
      }
      const how = 'from spawn to the line that says the agent has started, its broker listening';
      return { ours, beside: [{ name: 'node -e 0', values: empty }], met: median(ours) <= 0.7, how };
    }),
};
