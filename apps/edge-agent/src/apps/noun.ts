import type { Cancel, Clock, Noun, View } from '@selvage/reconcile';
import { EdgeError, type ReportedApps, toEdgeError } from '@selvage/protocol';
import type { Logger } from 'pino';
import type { Actions } from './apply.js';
import type { Observed, Observer } from './observe.js';
import { originOf, type Owner } from './labels.js';
import { plan } from './plan.js';
import type { Purged } from './purged.js';
import { type Known, slotsOf } from './slots.js';
import { type Attempt, instances, unseenInstances } from './status.js';
import type { Step, StepKind } from './steps.js';
import { type PinStore, pullSecret, type Wanted } from './wanted.js';
import { slotOf, type World } from './world.js';

const DONE: Readonly<Record<StepKind, string>> = {
  pull: 'image pulled',
  create: 'container created',
  start: 'container started',
  unpause: 'container unpaused',
  stop: 'container stopped',
  remove: 'container removed',
  purge: 'volumes removed',
};

/** What is there, or why that cannot be seen. */
type Sight = Observed | { readonly unseen: EdgeError };

export interface NounOptions {
  readonly clock: Clock;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly owner: Owner;
  readonly pins: PinStore;
  readonly purged: Purged;
  readonly wanted: () => Wanted | undefined;
  readonly observer: Observer;
  readonly actions: Actions;
  readonly report: (apps: ReportedApps) => void | Promise<void>;
  readonly poke: () => void;
}

/** The apps of this node as a noun of the reconcile loop. */
export class AppsNoun implements Noun<Wanted | undefined, Sight, Step> {
  readonly name = 'apps';
  readonly #options: NounOptions;
  #wake: Cancel | undefined;

  constructor(options: NounOptions) {
    this.#options = options;
  }

  desired(): Wanted | undefined {
    return this.#options.wanted();
  }

  async observe(signal: AbortSignal): Promise<Sight> {
    const wanted = this.#options.wanted();
    const slots = wanted ? slotsOf(wanted.apps, this.#known(wanted, new Map())) : [];
    const purging = wanted?.purges.some(({ uid }) => !this.#options.purged.has(uid)) === true;
    try {
      return await this.#options.observer.observe({ slots, volumes: purging ? 'look' : 'skip' }, signal);
    } catch (error) {
      if (error instanceof EdgeError && error.code === 'docker_unavailable') return { unseen: error };
      throw error;
    }
  }

  plan(wanted: Wanted | undefined, sight: Sight): readonly Step[] {
    return wanted === undefined || 'unseen' in sight ? [] : plan(this.#world(wanted, sight)).steps;
  }

  async apply(step: Step, signal: AbortSignal): Promise<void> {
    const { clock, log, actions } = this.#options;
    const begun = clock.monotonic();
    const about = { step: step.key };
    try {
      await actions.apply(step, signal);
      log.info({ ...about, ms: Math.round(clock.monotonic() - begun) }, DONE[step.kind]);
    } catch (error) {
      if (!signal.aborted) log.warn({ ...about, reason: toEdgeError(error).message }, `${step.kind} failed`);
      throw error;
    }
  }

  async report({
    desired: wanted,
    observed: sight,
    inFlight,
    failures,
  }: View<Wanted | undefined, Sight, Step>): Promise<void> {
    this.rest();
    if (wanted === undefined) return;
    const purged = wanted.purges.map(({ uid }) => uid).filter((uid) => this.#options.purged.has(uid));
    if ('unseen' in sight) {
      await this.#options.report({ instances: unseenInstances(wanted.apps, sight.unseen), purged });
      return;
    }
    await this.#tidy(wanted);
    const world = this.#world(wanted, sight);
    const next = plan(world);
    const { clock, report, poke } = this.#options;
    const attempts = attemptsOf(inFlight, failures);
    await report({ instances: instances(wanted.apps, { world, plan: next, attempts }), purged });
    if (next.wakeAt !== undefined) this.#wake = clock.timer(next.wakeAt - clock.monotonic(), poke);
  }

  /** Drops the timer for the next container that backs off. */
  rest(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  /** Forgets what was remembered for apps that are no longer wanted. */
  async #tidy({ apps, purges }: Wanted): Promise<void> {
    const { pins, purged } = this.#options;
    const slots = new Set(
      apps.flatMap(({ uid, containers }) => containers.map(({ name }) => slotOf({ uid, container: name }))),
    );
    for (const key of pins.all().keys()) if (!slots.has(key)) await pins.delete(key);
    await purged.keep(purges.map(({ uid }) => uid));
  }

  #world(wanted: Wanted, { now, info, containers, images, volumes }: Observed): World {
    const slots = slotsOf(wanted.apps, this.#known(wanted, images));
    const uids = new Set(wanted.apps.map(({ uid }) => uid));
    const purges = wanted.purges.map((purge) => ({
      ...purge,
      done: this.#options.purged.has(purge.uid),
      volumes: volumesOf(purge.app, uids, volumes),
    }));
    return { now, arch: info.arch, os: info.os, slots, containers, purges };
  }

  #known(wanted: Wanted, images: Known['images']): Known {
    const { owner, pins } = this.#options;
    return { owner, pin: (slot) => pins.get(slot), secret: (name) => pullSecret(wanted, name), images };
  }
}

type Failures = View<unknown, unknown, Step>['failures'];

/** How the newest attempt at each step stands. */
function attemptsOf(inFlight: readonly Step[], failures: Failures): Map<string, Attempt> {
  const attempts = new Map<string, Attempt>(inFlight.map(({ key }) => [key, { active: true }]));
  for (const [key, { error, retryAt }] of failures)
    attempts.set(key, { active: attempts.has(key), error: toEdgeError(error), retryAt });
  return attempts;
}

/** Volumes of an app that was deleted; those of its successor of the same name are not among them. */
function volumesOf(app: string, wanted: ReadonlySet<string>, volumes: Observed['volumes']): string[] {
  const origins = volumes.map(({ name, labels }) => ({ name, ...originOf(labels) }));
  return origins.filter((one) => one.app === app && !wanted.has(one.uid)).map(({ name }) => name);
}
