import type { Clock } from '@selvage/reconcile';
import { EdgeError } from '@selvage/protocol';
import type { Docker, EngineInfo, EngineWatcher, Image, Volume } from '../docker/index.js';
import type { ExitLog } from './exit-log.js';
import { Gate } from './gate.js';
import { originOf, type Owner, ownerLabels } from './labels.js';
import { type Own, type Slot, slotOf } from './world.js';

/** Questions to the engine at once. */
const AT_ONCE = 8;

/** What is on the engine. */
export interface Observed {
  readonly now: number;
  readonly info: EngineInfo;
  readonly containers: readonly Own[];
  /** Looked up are the images of slots that have no container made from them. */
  readonly images: ReadonlyMap<string, Image | undefined>;
  /** All volumes of this node; looked up only when some are to be purged. */
  readonly volumes: readonly Volume[];
}

export interface ObserverOptions {
  readonly docker: Docker;
  readonly engine: Pick<EngineWatcher, 'info' | 'engine'>;
  readonly clock: Clock;
  readonly owner: Owner;
  readonly exits: ExitLog;
}

/** What an observation is to look for. */
export interface Interest {
  readonly slots: readonly Slot[];
  readonly volumes: 'look' | 'skip';
}

/** Reads what is on the engine with this node's label. */
export class Observer {
  readonly #options: ObserverOptions;
  readonly #gate = new Gate(AT_ONCE);

  constructor(options: ObserverOptions) {
    this.#options = options;
  }

  /** @throws EdgeError `docker_unavailable` at once while the engine is known to be away. */
  async observe(interest: Interest, signal: AbortSignal): Promise<Observed> {
    const { docker, engine, clock, owner } = this.#options;
    const { info } = engine;
    if (info === undefined) throw new EdgeError('docker_unavailable', engine.engine.reason ?? '');
    const labels = ownerLabels(owner);
    const looksForVolumes = interest.volumes === 'look' ? docker.volumes(labels) : Promise.resolve([]);
    const [containers, volumes] = await Promise.all([this.#containers(signal), looksForVolumes]);
    const references = unchecked(interest.slots, containers);
    const images = await Promise.all(references.map(async (one) => [one, await this.#image(one, signal)] as const));
    return { now: clock.monotonic(), info, containers, images: new Map(images), volumes };
  }

  async #containers(signal: AbortSignal): Promise<Own[]> {
    const { docker, owner, exits, clock } = this.#options;
    const lines = await docker.list(ownerLabels(owner));
    const found = await Promise.all(lines.map(({ id }) => this.#gate.run(signal, () => docker.inspect(id))));
    const containers = found.filter((one) => one !== undefined);
    const known = exits.see(containers, clock);
    return containers.map((one) => {
      const ends = known.get(one.id);
      return { ...one, origin: originOf(one.labels), ...(ends && { exits: ends }) };
    });
  }

  #image(reference: string, signal: AbortSignal): Promise<Image | undefined> {
    return this.#gate.run(signal, () => this.#options.docker.image(reference));
  }
}

/** References of the images from which a container is still to be made. */
function unchecked(slots: readonly Slot[], containers: readonly Own[]): string[] {
  const made = new Set(containers.map(({ origin }) => `${slotOf(origin)} ${origin.spec}`));
  const open = slots.filter(({ key, wanted }) => wanted && !made.has(`${key} ${wanted.hash}`));
  return [...new Set(open.flatMap(({ image }) => (image.state === 'unresolved' ? [] : [image.reference])))];
}
