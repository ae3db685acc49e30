import { endpoints, type Engine } from '@selvage/protocol';
import { buildImage, removeImages, uniqueName, until } from '@selvage/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { appOn, containersOf, docker, instanceOf, removeContainersOf } from '../stage/containers.js';
import { EngineDoor } from '../stage/engine-door.js';
import { AgentProcess, HubProcess, params } from '../stage/site.js';

/** The agent asks its engine every half minute whether it is there, and gives it 20 seconds to answer. */
const NOTICED_MS = 80_000;
/** An event is acted upon long before the look of every minute. */
const HEARD_MS = 20_000;
/** From the engine's return until everything is as wanted. */
const BACK_MS = 30_000;

describe('an agent whose Docker engine', () => {
  const hub = new HubProcess();
  const door = new EngineDoor();
  const agent = new AgentProcess('engineless', { SELVAGE_DOCKER_SOCKET: door.path });
  const image = `${uniqueName('selvage-away')}:1`;

  const put = (name: string): Promise<unknown> => {
    const spec = appOn('engineless', [{ name: 'c', image }]) as never;
    return hub.client.call(endpoints.apps.put, { ...params(name), body: { labels: {}, spec } });
  };
  const engineIs = (state: Engine['state'], timeoutMs: number): Promise<void> =>
    until(async () => (await hub.node('engineless')).status.facts?.docker.state === state, {
      timeoutMs,
      describe: async () => `engine ${state}: ${JSON.stringify((await hub.node('engineless')).status.facts?.docker)}`,
    });
  const appIs = (name: string, state: string, timeoutMs: number): Promise<void> =>
    until(async () => (await instanceOf(hub, name))?.containers[0]?.state === state, {
      timeoutMs,
      describe: async () => `${name} ${state}: ${JSON.stringify(await instanceOf(hub, name))}`,
    });
  /** What changes when a container is made anew or started again. */
  const lives = async (): Promise<string[]> => {
    const all = await containersOf(hub, 'engineless');
    const found = await Promise.all(all.map(({ Id }) => docker.getContainer(Id).inspect()));
    return found.map(({ Id, State, RestartCount }) => `${Id} ${State.Pid} ${State.StartedAt} ${RestartCount}`).sort();
  };

  const isUp = async (): Promise<boolean> =>
    (await containersOf(hub, 'engineless')).every(({ State }) => State === 'running');

  beforeAll(async () => {
    await hub.start();
    await buildImage(image);
    await agent.join(hub);
    agent.program.start();
    await hub.nodeIs('engineless', 'ready');
  });
  afterAll(async () => {
    await agent.close();
    await door.remove();
    await removeContainersOf(hub, 'engineless');
    await removeImages([image]);
    await hub.close();
  });

  it('is not there is a ready node that says so, and its apps wait', async () => {
    await engineIs('missing', 30_000);
    await put('web');
    await appIs('web', 'waiting', 30_000);
    expect((await instanceOf(hub, 'web'))?.containers[0]).toMatchObject({ reason: 'docker_unavailable' });
    expect((await hub.node('engineless')).status.state).toBe('ready');
    expect((await hub.cli('why', 'web')).output).toMatch(/docker/i);
  });

  it('appears runs them within seconds', async () => {
    await door.open();
    await appIs('web', 'running', BACK_MS);
    await engineIs('ready', BACK_MS);
  });

  it.each([1, 2])('goes and returns restarts nothing (round %i)', async () => {
    const before = await lives();
    await door.close();
    await engineIs('missing', 30_000);
    await appIs('web', 'waiting', 30_000);
    await door.open();
    await engineIs('ready', BACK_MS);
    await appIs('web', 'running', BACK_MS);
    expect(await lives()).toEqual(before);
  });

  it('makes its socket anew while the old connections stay is found there, and its events are heard', async () => {
    const before = await lives();
    const connects = (): number => agent.program.output.split('connected to the Docker engine').length;
    const connected = connects();
    await door.replace();
    await until(() => connects() > connected, { timeoutMs: NOTICED_MS });
    await engineIs('ready', BACK_MS);
    expect(await lives()).toEqual(before);
    const [web] = await containersOf(hub, 'engineless');
    await docker.getContainer(web?.Id ?? '').kill();
    await until(async () => (await lives()).join() !== before.join() && (await isUp()), { timeoutMs: HEARD_MS });
  });

  it('hangs says so, keeps its link to the hub, and goes on when the engine does', async () => {
    const before = await lives();
    door.hang();
    await put('late');
    await engineIs('not_answering', NOTICED_MS);
    expect((await instanceOf(hub, 'web'))?.containers[0]).toMatchObject({ reason: 'docker_unavailable' });
    expect((await hub.node('engineless')).status.state).toBe('ready');
    door.wake();
    await engineIs('ready', BACK_MS);
    await appIs('late', 'running', BACK_MS);
    await appIs('web', 'running', BACK_MS);
    expect(await lives()).toEqual(expect.arrayContaining(before));
    expect(await containersOf(hub, 'engineless')).toHaveLength(2);
  });

  it('hangs does not keep the agent from ending when it is told to', async () => {
    door.hang();
    const begun = performance.now();
    await agent.program.stop();
    expect(performance.now() - begun).toBeLessThan(10_000);
    door.wake();
    agent.program.start();
    await hub.nodeIs('engineless', 'ready');
    await appIs('web', 'running', BACK_MS);
    expect(await containersOf(hub, 'engineless')).toHaveLength(2);
  });
});
