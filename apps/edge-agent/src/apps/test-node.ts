import {
  type DesiredApp,
  desiredApp,
  type Instance,
  type Purge,
  type ReportedApps,
  type SecretSpec,
} from '@selvage/protocol';
import { FakeClock, settled } from '@selvage/testkit';
import type { z } from 'zod';
import { FakeDocker } from '../docker/fake-docker.js';
import { EngineWatcher } from '../docker/index.js';
import { type Apps, type AppsOptions, createApps, type Owner, ownerLabels } from './index.js';
import type { LogSink } from './logs.js';
import type { Pin } from './slots.js';

export const owner: Owner = { hub: '0123456789abcdef', project: 'default', node: 'local' };

/** What of a node outlives its agent. */
export class Disk {
  readonly sections = new Map<string, unknown>();
  readonly pins = new Map<string, Pin>();
  readonly meta = new Map<string, string>();
}

/** The apps slice on an engine in memory, with a clock that moves when told. */
export class TestNode {
  readonly clock: FakeClock;
  readonly docker: FakeDocker;
  readonly disk: Disk;
  readonly reports: ReportedApps[] = [];
  readonly warnings: string[] = [];
  logs: (params: unknown, sink: LogSink, signal: AbortSignal) => Promise<void> = () =>
    Promise.reject(new Error('none'));
  readonly #listeners: (() => void)[] = [];
  readonly #engine: EngineWatcher;
  readonly #apps: Apps;

  constructor({
    clock = new FakeClock(),
    docker,
    disk = new Disk(),
    mountAllowList = [] as string[],
  }: { clock?: FakeClock; docker?: FakeDocker; disk?: Disk; mountAllowList?: string[] } = {}) {
    this.clock = clock;
    this.docker = docker ?? new FakeDocker(() => this.clock.now());
    this.disk = disk;
    const log = {
      info: (): void => undefined,
      warn: (_about: unknown, line = ''): void => void this.warnings.push(line),
      error: (about: unknown): void => void this.warnings.push(JSON.stringify(about)),
    };
    this.#engine = new EngineWatcher({ docker: this.docker, labels: ownerLabels(owner), clock, log, random: () => 0 });
    this.#apps = createApps({
      docker: this.docker,
      engine: this.#engine,
      clock,
      random: () => 1,
      log,
      node: owner,
      mountAllowList,
      protectedPaths: [],
      ...this.#stores(),
    });
  }

  /** Says what the hub wants from now on. */
  async want(apps: readonly DesiredApp[], purges: readonly Purge[] = []): Promise<void> {
    this.disk.sections.set('apps', { apps, purges });
    await this.#changed();
  }

  async secret(name: string, spec: SecretSpec): Promise<void> {
    this.disk.sections.set('secrets', { secrets: [{ name, spec }] });
    await this.#changed();
  }

  async start(): Promise<void> {
    this.#engine.start();
    this.#apps.start();
    await settled();
  }

  /** The agent is killed and started again: what it had under way is lost, the engine goes on. */
  async restart(): Promise<TestNode> {
    void this.stop();
    const { clock, docker, disk } = this;
    docker.thaw();
    const next = new TestNode({ clock, docker, disk });
    await next.start();
    return next;
  }

  async stop(): Promise<void> {
    await Promise.all([this.#apps.stop(), this.#engine.stop()]);
  }

  /** What was reported last of an app. */
  instance(app: string): Instance | undefined {
    return this.reports.at(-1)?.instances.find((one) => one.app === app);
  }

  /** Containers of this node, `name phase`, by app and container. */
  containers(): string[] {
    const ours = [...this.docker.containers.values()].filter(
      ({ request }) => request.Labels['io.selvage.node'] === NODE,
    );
    return ours
      .map(
        ({ request, phase }) =>
          `${request.Labels['io.selvage.app'] ?? ''}/${request.Labels['io.selvage.container'] ?? ''} ${phase}`,
      )
      .sort();
  }

  /** Id of the container of an app that runs. */
  running(app: string): string | undefined {
    const all = [...this.docker.containers.values()];
    return all.find(({ request, phase }) => phase === 'running' && request.Labels['io.selvage.app'] === app)?.id;
  }

  async #changed(): Promise<void> {
    for (const listener of this.#listeners) listener();
    await settled();
  }

  #stores(): Pick<AppsOptions, 'desired' | 'reported' | 'pins' | 'meta' | 'calls'> {
    const { disk } = this;
    const read = <T>(section: string, schema: z.ZodType<T>): T | undefined =>
      disk.sections.has(section) ? schema.parse(disk.sections.get(section)) : undefined;
    return {
      desired: {
        get position() {
          return disk.sections.size === 0 ? null : { epoch: 'e', revision: 1 };
        },
        read,
        onChange: (_section, listener) => void this.#listeners.push(listener),
      },
      reported: { set: (_section, value) => void this.reports.push(value) },
      pins: {
        get: (key) => disk.pins.get(key),
        set: (key, pin) => void disk.pins.set(key, pin),
        delete: (key) => void disk.pins.delete(key),
        all: () => new Map(disk.pins),
      },
      meta: { get: (key) => disk.meta.get(key), set: (key, value) => void disk.meta.set(key, value) },
      calls: {
        register: (_method, schema, handler) => {
          this.logs = (params, sink, signal) => handler(schema.parse(params), sink, signal);
        },
      },
    };
  }
}

const NODE = `${owner.hub}/${owner.project}/${owner.node}`;

/** An app with one container of its own name, unless containers are given. */
export function app(
  name: string,
  given: { uid?: string; revision?: number; secret?: string; containers?: object[] } = {},
): DesiredApp {
  const containers = given.containers ?? [{}];
  const parsed: z.input<typeof desiredApp> = {
    name,
    uid: given.uid ?? `uid-${name}`,
    revision: given.revision ?? 1,
    containers: containers.map((one) => ({ name, image: `registry:5000/${name}:1`, ...one })),
    ...(given.secret !== undefined && { imagePullSecret: given.secret }),
  };
  return desiredApp.parse(parsed);
}
