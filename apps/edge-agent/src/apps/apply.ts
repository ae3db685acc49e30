import { EdgeError, imageParts, type Mount } from '@selvage/protocol';
import type { Clock } from '@selvage/reconcile';
import type { Docker } from '../docker/index.js';
import { Gate } from './gate.js';
import { containerLabels, isOwned, originOf, type Owner, volumeLabels } from './labels.js';
import { mountSource, type MountRules } from './mounts.js';
import { describePortOwner } from './port-owner.js';
import { Pulls } from './pulls.js';
import type { Purged } from './purged.js';
import { resolveTag } from './resolve.js';
import { containerRequest } from './spec.js';
import type { Step, StepKind, StepOf } from './steps.js';
import { credentialsFor, type PinStore, type Wanted } from './wanted.js';
import type { Slot } from './world.js';

/** Containers that are made or started at once. */
const AT_ONCE = 4;

export interface ApplyOptions {
  readonly docker: Docker;
  readonly clock: Clock;
  readonly owner: Owner;
  readonly pins: PinStore;
  readonly mounts: MountRules;
  /** What is wanted now: credentials are looked up when they are needed, and kept nowhere else. */
  readonly wanted: () => Wanted | undefined;
  readonly purged: Pick<Purged, 'add'>;
}

type Table = { readonly [K in StepKind]: (step: StepOf<K>, signal: AbortSignal) => Promise<void> };

/** Takes the steps. Each may be repeated without harm: what is there already is taken over. */
export class Actions {
  readonly #options: ApplyOptions;
  readonly #pulls: Pulls;
  readonly #gate = new Gate(AT_ONCE);
  readonly #table: Table = {
    pull: (step, signal) => this.#pull(step, signal),
    create: ({ slot }, signal) => this.#gate.run(signal, () => this.#create(slot)),
    start: (step, signal) => this.#gate.run(signal, () => this.#start(step)),
    unpause: ({ container }) => this.#options.docker.unpause(container.id),
    stop: ({ container }) => this.#options.docker.stop(container.id, container.stopTimeout),
    remove: ({ container }) => this.#options.docker.remove(container.id),
    purge: (step) => this.#purge(step),
  };

  constructor(options: ApplyOptions) {
    this.#options = options;
    this.#pulls = new Pulls(options.docker, options.clock);
  }

  apply<K extends StepKind>(step: StepOf<K>, signal: AbortSignal): Promise<void> {
    return this.#table[step.kind](step, signal);
  }

  stop(): void {
    this.#pulls.stop();
  }

  async #pull({ reference, slots }: StepOf<'pull'>, signal: AbortSignal): Promise<void> {
    const { docker, pins } = this.#options;
    const pull = (): Promise<string | undefined> => this.#fetch(reference, slots, signal);
    const open = slots.filter(({ image }) => image.state === 'unresolved');
    if (open.length === 0) {
      await pull();
      return;
    }
    const digest = await resolveTag(docker, reference, pull);
    for (const { key, spec } of open) await pins.set(key, { image: spec.image, digest });
  }

  #fetch(reference: string, slots: readonly Slot[], signal: AbortSignal): Promise<string | undefined> {
    const secret = slots[0]?.secret ?? { state: 'none' };
    const spec = secret.state === 'none' ? undefined : this.#options.wanted()?.secrets.get(secret.name);
    const credentials = credentialsFor(spec, imageParts(reference)?.registry ?? '');
    const mark = secret.state === 'found' ? secret.mark : '';
    return this.#pulls.pull(reference, { signal, mark, credentials });
  }

  async #create(slot: Slot): Promise<void> {
    const { docker, owner } = this.#options;
    const { wanted, image, spec, app, uid, revision } = slot;
    if (wanted === undefined || image.state !== 'present') return;
    const sources: string[] = [];
    for (const mount of spec.mounts) sources.push(await this.#source(mount, slot));
    const labels = containerLabels(owner, { app, uid, container: spec.name, spec: wanted.hash, revision });
    try {
      await docker.create(wanted.name, containerRequest(spec, { image: image.reference, labels, sources }));
    } catch (error) {
      if (!(error instanceof EdgeError && error.code === 'already_exists')) throw error;
      await this.#adopt(slot, wanted, error);
    }
  }

  /** The name is taken: by the very container that was to be made, when an earlier try ended half-way. */
  async #adopt({ key }: Slot, wanted: NonNullable<Slot['wanted']>, cause: EdgeError): Promise<void> {
    const there = await this.#options.docker.inspect(wanted.name);
    if (there === undefined) throw cause;
    const { uid, container, spec } = originOf(there.labels);
    if (isOwned(there.labels, this.#options.owner) && `${uid}/${container}` === key && spec === wanted.hash) return;
    const detail = `The name ${wanted.name} is taken by a container that Selvage does not manage: rename or remove that one.`;
    throw new EdgeError('already_exists', detail, { cause });
  }

  async #source(mount: Mount, { app, uid }: Slot): Promise<string> {
    const { docker, owner, mounts } = this.#options;
    if ('hostPath' in mount) return mountSource(mount.hostPath, mounts);
    const name = volumeName(owner, app, mount.volume);
    const { labels } = await docker.createVolume(name, volumeLabels(owner, { app, uid }));
    if (isOwned(labels, owner) && originOf(labels).app === app) return name;
    throw new EdgeError('already_exists', `The volume ${name} exists and is not Selvage's: rename or remove that one.`);
  }

  async #start({ slot, container }: StepOf<'start'>): Promise<void> {
    const { docker } = this.#options;
    try {
      await docker.start(container.id);
    } catch (error) {
      if (!(error instanceof EdgeError && error.code === 'port_taken')) throw error;
      throw (await describePortOwner(docker, slot.spec.ports, error)) ?? error;
    }
  }

  async #purge({ purge }: StepOf<'purge'>): Promise<void> {
    for (const name of purge.volumes) await this.#options.docker.removeVolume(name);
    await this.#options.purged.add(purge.uid);
  }
}

/** Dots keep names with dashes apart; the node's part lets several agents share an engine. */
export function volumeName({ project, node }: Owner, app: string, volume: string): string {
  return `selvage-${project}.${node}.${app}.${volume}`;
}

/** How long a step may take, milliseconds: a pull is ended by lack of progress, not by its length. */
export function stepTimeoutMs(step: Step): number {
  const MINUTE = 60_000;
  if (step.kind === 'pull') return 24 * 60 * MINUTE;
  return step.kind === 'stop' ? step.container.stopTimeout * 1000 + 5 * MINUTE : 10 * MINUTE;
}
