import { endpoints } from '@selvage/protocol';
import { type Registry, pushImage, startRegistry, until } from '@selvage/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { appOn, containersOf, docker, instanceOf, removeContainersOf } from '../stage/containers.js';
import { AgentProcess, HubProcess, params } from '../stage/site.js';

const ROUNDS = 10;

/** What was acknowledged by the API is on the node in the end, once, whoever was killed when. */
describe.each(['agent', 'hub'] as const)('SIGKILL of the %s in the middle of deploys', (victim) => {
  const hub = new HubProcess();
  const agent = new AgentProcess(`killed-${victim}`);
  let registry: Registry;
  const images: string[] = [];

  beforeAll(async () => {
    await hub.start();
    registry = await startRegistry();
    for (const tag of ['1', '2']) images.push(await pushImage(registry, { name: 'kill', tag }));
    await agent.join(hub);
    agent.program.start();
    await hub.nodeIs(agent.name, 'ready');
  });
  afterAll(async () => {
    await agent.close();
    await removeContainersOf(hub, agent.name);
    await registry.stop();
    await hub.close();
  });

  it('loses no acknowledged change and leaves one container per wanted one', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const env = [{ name: 'ROUND', value: String(round) }];
      const spec = appOn(agent.name, [
        { name: 'a', image: images[round % 2] ?? '', env },
        { name: 'b', image: images[0] ?? '' },
      ]) as never;
      await hub.client.call(endpoints.apps.put, { ...params('app'), body: { labels: {}, spec } });
      await killAtSomeInstant(round);
      await until(() => converged(String(round)), {
        timeoutMs: 120_000,
        describe: async () =>
          `round ${round}: ${JSON.stringify(await instanceOf(hub, 'app'))}\n${agent.program.output.slice(-3000)}`,
      });
    }
    expect(await containersOf(hub, agent.name)).toHaveLength(2);
  });

  async function killAtSomeInstant(round: number): Promise<void> {
    // Watches for a different moment of the deploy each round: so many changes among the containers have been seen.
    let changes = 0;
    let last = '';
    const look = async (): Promise<boolean> => {
      const now = (await containersOf(hub, agent.name)).map(({ Id, State }) => `${Id} ${State}`).join();
      if (now !== last) changes += 1;
      last = now;
      return changes > round % 4 || (await converged(String(round)));
    };
    await until(look, { timeoutMs: 60_000, describe: () => 'the deploy to start' });
    if (victim === 'hub') return hub.restart('SIGKILL');
    await agent.program.stop('SIGKILL');
    agent.program.start();
  }

  async function converged(round: string): Promise<boolean> {
    const all = await containersOf(hub, agent.name);
    if (all.length !== 2 || all.some(({ State }) => State !== 'running')) return false;
    const a = all.find(({ Labels }) => Labels['io.selvage.container'] === 'a');
    return (await docker.getContainer(a?.Id ?? '').inspect()).Config.Env.includes(`ROUND=${round}`);
  }
});
