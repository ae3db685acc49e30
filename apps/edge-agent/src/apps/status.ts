import type { ContainerStatus, DesiredApp, EdgeError, Instance } from '@selvage/protocol';
import { isCompleted, keeper, type Obstacle, type Plan } from './plan.js';
import { createStep, pullStep, startStep } from './steps.js';
import { isUp, type Own, type Slot, slotOf, type World } from './world.js';

/** How the newest attempt at a step stands. */
export interface Attempt {
  readonly active: boolean;
  /** Why the attempt before failed. */
  readonly error?: Pick<EdgeError, 'code' | 'detail'>;
  /** When the next one is due, epoch milliseconds. */
  readonly retryAt?: number;
}

export interface Situation {
  readonly world: World;
  readonly plan: Plan;
  /** By key of the step. */
  readonly attempts: ReadonlyMap<string, Attempt>;
}

/** What is said of each wanted app. */
export function instances(apps: readonly DesiredApp[], situation: Situation): Instance[] {
  return apps.map((app) => {
    const slots = situation.world.slots.filter(({ uid }) => uid === app.uid);
    const views = slots.map((slot) => viewOf(slot, situation));
    const containers = views.map((view) => containerStatus(view, situation.world.now));
    return {
      app: app.name,
      uid: app.uid,
      revision: revisionOf(app, views),
      state: stateOf(containers, views),
      containers,
    };
  });
}

/** What is said of each wanted app while the engine does not answer. */
export function unseenInstances(
  apps: readonly DesiredApp[],
  { code, detail }: Pick<EdgeError, 'code' | 'detail'>,
): Instance[] {
  return apps.map(({ name, uid, revision, containers }) => ({
    app: name,
    uid,
    revision,
    state: 'unknown',
    containers: containers.map((spec) => ({
      name: spec.name,
      image: spec.image,
      state: 'waiting',
      reason: code,
      message: message(detail),
      restarts: 0,
    })),
  }));
}

interface View {
  readonly slot: Slot;
  /** The container that matches the spec. */
  readonly keep: Own | undefined;
  /** The one that the status is about: the matching one, or its predecessor while that is still up. */
  readonly shown: Own | undefined;
  readonly attempt: Attempt | undefined;
  readonly obstacle: Obstacle | undefined;
}

function viewOf(slot: Slot, { world, plan, attempts }: Situation): View {
  const keep = keeper(slot, world.containers);
  const old = world.containers.find((one) => slotOf(one.origin) === slot.key && one !== keep && isUp(one));
  const shown = keep && (isUp(keep) || !old) ? keep : old;
  const next = keep ? startStep(slot, keep) : slot.image.state === 'present' ? createStep(slot) : pullStep(slot);
  const failing = attempts.get(next.key);
  return {
    slot,
    keep,
    shown,
    attempt: keep && isUp(keep) ? undefined : failing,
    obstacle: plan.obstacles.get(slot.key),
  };
}

function containerStatus(view: View, now: number): ContainerStatus {
  const { slot, shown } = view;
  const isOld = shown !== undefined && shown !== view.keep;
  const digest = digestOf(shown?.image ?? (slot.image.state === 'unresolved' ? '' : slot.image.reference));
  const exits = shown?.exits?.count ?? 0;
  return {
    name: slot.spec.name,
    image: isOld ? shown.image : slot.spec.image,
    ...(digest !== undefined && { digest }),
    ...(shown && { containerId: shown.id }),
    ...(shown?.startedAt !== undefined && isUp(shown) && { startedAt: shown.startedAt }),
    restarts: shown?.phase === 'exited' ? Math.max(0, exits - 1) : exits,
    ...condition(view, now),
  };
}

type Condition = Pick<ContainerStatus, 'state' | 'reason' | 'message' | 'retryAt' | 'exitCode'>;

function condition(view: View, now: number): Condition {
  const { keep, shown, attempt, obstacle, slot } = view;
  const trouble = troubleOf(attempt, obstacle);
  if (keep?.phase === 'running') return { state: 'running' };
  if (attempt?.active === true) return { state: activity(view), ...trouble };
  if (trouble) return { state: shown && isUp(shown) ? 'running' : 'failed', ...trouble };
  if (keep?.phase === 'exited') return exited(slot, keep, now);
  if (shown && isUp(shown) && shown !== keep) return { state: keep ? 'stopping' : 'running' };
  return { state: keep ? 'starting' : 'waiting' };
}

function activity({ keep, slot }: View): Condition['state'] {
  return keep || slot.image.state === 'present' ? 'starting' : 'pulling';
}

function troubleOf(attempt: Attempt | undefined, obstacle: Obstacle | undefined): Omit<Condition, 'state'> | undefined {
  const error = attempt?.error ?? obstacle;
  if (!error) return undefined;
  const retryAt = attempt?.active === true ? undefined : attempt?.retryAt;
  return {
    reason: error.code,
    message: message(error.detail),
    ...(retryAt !== undefined && { retryAt: iso(retryAt) }),
  };
}

/** A container that ended and is not being started: it is done, or waits to be started again. */
function exited(slot: Slot, container: Own, now: number): Condition {
  const { exitCode, outOfMemory, exits } = container;
  const why = outOfMemory
    ? 'It needed more memory than its limit and was killed.'
    : `It ended with exit code ${exitCode}.`;
  const failure = { reason: 'container_exited', message: why };
  if (isCompleted(slot, container))
    return exitCode === 0 ? { state: 'exited', exitCode } : { state: 'failed', exitCode, ...failure };
  if (exits === undefined || exits.dueAt <= now) return { state: 'starting', exitCode };
  return { state: 'backing_off', exitCode, ...failure, retryAt: iso(exits.retryAt) };
}

/** The revision whose containers are there: the newest only when all of them are. */
function revisionOf(app: DesiredApp, views: readonly View[]): number {
  const old = views.flatMap(({ shown, keep }) => (shown && shown !== keep ? [shown.origin.revision] : []));
  return Math.min(app.revision, ...old);
}

function stateOf(containers: readonly ContainerStatus[], views: readonly View[]): Instance['state'] {
  const are = (...states: ContainerStatus['state'][]): boolean =>
    containers.every(({ state }) => states.includes(state));
  if (containers.some(({ state, reason }) => state === 'failed' || state === 'backing_off' || reason !== undefined))
    return 'failed';
  if (are('exited')) return 'completed';
  const current = views.every(({ shown, keep }) => shown === keep);
  return current && are('running', 'exited') ? 'running' : 'progressing';
}

/** The digest of a pinned reference; an image that only this machine has, has none. */
function digestOf(reference: string): string | undefined {
  return /@(sha256:[0-9a-f]{64})$/.exec(reference)?.[1];
}

function iso(epochMs: number): string {
  return new Date(epochMs).toISOString();
}

function message(detail: string): string {
  return detail.length <= 2048 ? detail : `${detail.slice(0, 2047)}…`;
}
