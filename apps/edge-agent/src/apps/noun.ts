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

const MAX_REMEMBERED = 1_000;

/** What is there, or why that cannot be seen. */
type Sight = Observed | { readonly unseen: EdgeError };

export interface NounOptions {
  readonly clock: Clock;
  /** Without `debug`, what fails again for the same reason is not logged again. */
  readonly log: Pick<Logger, 'info' | 'warn'> & Partial<Pick<Logger, 'debug'>>;
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
  /** By step, why it failed last. */
  readonly #failing = new Map<string, string>();
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
    const about = { step: step.key, ...whose(step) };
    try {
      await actions.apply(step, signal);
      this.#failing.delete(step.key);
      log.info({ ...about, ms: Math.round(clock.monotonic() - begun) }, DONE[step.kind]);
    } catch (error) {
      if (!signal.aborted) this.#failed(step, toEdgeError(error).message);
      throw error;
    }
  }

  /** A warning the first time and whenever the reason is another one; retries that fail alike are for those who look closer. */
  #failed(step: Step, reason: string): void {
    const { log } = this.#options;
    const { app, container } = whose(step);
    const line = `${step.kind} failed for ${container === undefined ? app : `${app}/${container}`}`;
    const about = { step: step.key, ...whose(step), reason };
    if (this.#failing.get(step.key) === reason) {
      log.debug?.(about, line);
      return;
    }
    this.#failing.delete(step.key);
    this.#failing.set(step.key, reason);
    const [oldest] = this.#failing.keys();
    if (this.#failing.size > MAX_REMEMBERED && oldest !== undefined) this.#failing.delete(oldest);
    log.warn(about, line);
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

/** What a step is done for; a pull that several containers share names the first. */
function whose(step: Step): { readonly app: string; readonly container?: string } {
  if (step.kind === 'purge') return { app: step.purge.app };
  if (step.kind === 'pull' || step.kind === 'create') {
    const slot = step.kind === 'pull' ? step.slots[0] : step.slot;
    return slot === undefined ? { app: '' } : { app: slot.app, container: slot.spec.name };
  }
  const { app, container } = step.container.origin;
  return { app, container };
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
