import Docker from 'dockerode';
import { randomBytes } from 'node:crypto';
import { endpoints, type Instance } from '@selvage/protocol';
import { freePort } from '@selvage/testkit';
import { type HubProcess, params } from './site.js';

/** The engine of this machine, seen without the agent. */
export const docker = new Docker();

/** Fetches an image; rejects when that fails. */
export async function pull(image: string): Promise<void> {
  const stream = await docker.pull(image);
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(stream, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

/** Spec of an app on one node; a container that is given no arguments sleeps. */
export function appOn(
  node: string,
  containers: readonly { name: string; image: string; [key: string]: unknown }[],
): object {
  const sleeping = containers.map((container) => ({ args: ['sleep', '100000'], stopTimeoutSeconds: 0, ...container }));
  return { placement: { nodes: [node] }, containers: sleeping };
}

/** What the hub knows of an app's first instance. */
export async function instanceOf(hub: HubProcess, app: string): Promise<Instance | undefined> {
  return (await hub.client.call(endpoints.apps.get, params(app))).status.instances[0];
}

/** Containers of one app on one node of this hub, running or not. */
export async function containersOf(hub: HubProcess, node: string, app?: string): Promise<Docker.ContainerInfo[]> {
  const label = [
    `io.selvage.node=${await hub.id()}/default/${node}`,
    ...(app === undefined ? [] : [`io.selvage.app=${app}`]),
  ];
  return docker.listContainers({ all: true, filters: { label } });
}

/** Removes what a test left on the engine for a node: containers and volumes. */
export async function removeContainersOf(hub: HubProcess, node: string): Promise<void> {
  for (const { Id } of await containersOf(hub, node)) await docker.getContainer(Id).remove({ force: true });
  const label = [`io.selvage.node=${await hub.id()}/default/${node}`];
  for (const { Name } of (await docker.listVolumes({ filters: { label } })).Volumes)
    await docker.getVolume(Name).remove();
}

/** A container that is not ours: somebody else's work on the same engine. */
export class Foreign {
  readonly name = `foreign-${randomBytes(6).toString('hex')}`;
  private readonly containers: Docker.Container[] = [];
  private before = '';

  async start(image: string): Promise<void> {
    await pull(image);
    await this.run({ name: this.name, Image: image, Cmd: ['sleep', '100000'] });
    this.before = await this.look();
  }

  /** Publishes a free port with one more container of this name and gives the port. */
  async publishPort(image: string): Promise<number> {
    const port = await freePort();
    const HostConfig = { PortBindings: { '80/tcp': [{ HostPort: String(port) }] } };
    await this.run({
      name: `${this.name}-port`,
      Image: image,
      Cmd: ['sleep', '100000'],
      ExposedPorts: { '80/tcp': {} },
      HostConfig,
    });
    return port;
  }

  async unchanged(): Promise<boolean> {
    return (await this.look()) === this.before;
  }

  async remove(): Promise<void> {
    for (const container of this.containers) await container.remove({ force: true });
  }

  private async run(options: Docker.ContainerCreateOptions): Promise<void> {
    const container = await docker.createContainer(options);
    this.containers.push(container);
    await container.start();
  }

  private async look(): Promise<string> {
    const { Id, State } = await docker.getContainer(this.name).inspect();
    return JSON.stringify([Id, State.Status, State.Pid, State.StartedAt]);
  }
}
