import { endpoints } from '@selvage/protocol';
import { pushImage, startRegistry, until } from '@selvage/testkit';
import { appOn, docker, removeContainersOf } from '../stage/containers.js';
import { AgentProcess, HubProcess, params } from '../stage/site.js';
import { type Figure, median } from './figure.js';

/** API call → container running with the image present, beside what the bare engine takes for create and start. */
export const deployTime: Figure = {
  number: 20,
  title: 'API call → container running, image present',
  unit: 'ms',
  target: '≤ 1.10 × raw create + start and ≤ 100 ms more',
  measure: async ({ pairs }) => {
    const hub = new HubProcess();
    const agent = new AgentProcess('deploy');
    const registry = await startRegistry();
    const image = await pushImage(registry, { name: 'bench', tag: '1' });
    const ours: number[] = [];
    const raw: number[] = [];
    try {
      await hub.start();
      await agent.join(hub);
      agent.program.start();
      await hub.nodeIs('deploy', 'ready');
      await managed(hub, image, 'warm-up');
      for (let pair = 0; pair < pairs * 2; pair += 1) {
        ours.push(await managed(hub, image, `app-${pair}`));
        raw.push(await bare(image));
      }
    } finally {
      await agent.close();
      await removeContainersOf(hub, 'deploy');
      await hub.close();
      await registry.stop();
    }
    const [a, b] = [median(ours), median(raw)];
    const how = 'HTTP PUT until the engine\'s own "start" event; raw: dockerode create + start of the same container';
    return { ours, beside: [{ name: 'raw dockerode', values: raw }], met: a <= b * 1.1 || a - b <= 100, how };
  },
};

async function managed(hub: HubProcess, image: string, name: string): Promise<number> {
  const started = new AbortController();
  const events = await docker.getEvents({
    filters: { event: ['start'], label: [`io.selvage.app=${name}`] },
    abortSignal: started.signal,
  });
  let seen = false;
  events.on('data', () => (seen = true));
  events.on('error', () => (seen = true));
  const from = performance.now();
  await hub.client.call(endpoints.apps.put, {
    ...params(name),
    body: { labels: {}, spec: appOn('deploy', [{ name: 'c', image }]) as never },
  });
  await until(() => seen, { timeoutMs: 60_000, everyMs: 1, describe: () => `${name} to start` });
  const took = performance.now() - from;
  started.abort();
  return took;
}

async function bare(image: string): Promise<number> {
  const from = performance.now();
  const container = await docker.createContainer({
    Image: image,
    Cmd: ['sleep', '100000'],
    HostConfig: { Init: true, CapDrop: ['ALL'], SecurityOpt: ['no-new-privileges'], PidsLimit: 1024 },
  });
  await container.start();
  const took = performance.now() - from;
  await container.remove({ force: true });
  return took;
}
