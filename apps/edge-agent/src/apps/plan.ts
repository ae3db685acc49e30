import type { ErrorCode } from '@selvage/protocol';
import { blockers, leaving } from './ports.js';
import { createStep, pullStep, purgeStep, removeStep, startStep, type Step, stopStep, unpauseStep } from './steps.js';
import { isStill, isUp, type Own, type Slot, slotOf, type World } from './world.js';

/** Why nothing can be done for a slot until the world changes. */
export interface Obstacle {
  readonly code: ErrorCode;
  readonly detail: string;
}

export interface Plan {
  /** Independent of each other: all may be done at once. */
  readonly steps: readonly Step[];
  /** By key of the slot. */
  readonly obstacles: ReadonlyMap<string, Obstacle>;
  /** When a container that backs off may be started, in the clock of `World.now`. */
  readonly wakeAt?: number;
}

/** What is in the place of a slot: the container that fills it, and those that must go. */
interface Place {
  readonly slot: Slot;
  readonly keep: Own | undefined;
  readonly others: readonly Own[];
}

/**
 * The next steps towards what is wanted. A container is replaced only when the hash of its spec changed: its image is pulled and its
 * successor made first, then it is stopped, then the successor is started; it never runs beside its successor.
 */
export function plan(world: World): Plan {
  const places = world.slots.map((slot) => placeOf(slot, world));
  const leave = leaving(world.containers, places);
  const outcomes = places.map((place) => [place.slot.key, fill(place, world, leave)] as const);
  const wanted = new Set(world.slots.map(({ key }) => key));
  const orphans = world.containers.filter(({ origin }) => !wanted.has(slotOf(origin)));
  const steps = [...orphans.flatMap(retire), ...outcomes.flatMap(([, { steps = [] }]) => steps), ...purges(world)];
  const due = outcomes.flatMap(([, { wakeAt }]) => wakeAt ?? []);
  const obstacles = outcomes.flatMap(([key, { obstacle }]) => (obstacle ? [[key, obstacle] as const] : []));
  return {
    steps: sharePulls(steps),
    obstacles: new Map(obstacles),
    ...(due.length > 0 && { wakeAt: Math.min(...due) }),
  };
}

/** Whether an exited container has done its work, so that its policy leaves it alone. */
export function isCompleted({ spec }: Slot, { phase, exitCode, exits }: Own): boolean {
  if (phase !== 'exited' || spec.restart === 'always') return false;
  return spec.restart === 'never' || (exitCode === 0 && exits?.byHand !== true);
}

/** The container of a slot that matches its spec: of several the one that runs, then the oldest. */
export function keeper({ key, wanted }: Slot, containers: readonly Own[]): Own | undefined {
  const matching = containers.filter(
    (one) => slotOf(one.origin) === key && one.origin.spec === wanted?.hash && (isUp(one) || isStill(one)),
  );
  return matching.sort(
    (a, b) => Number(isUp(b)) - Number(isUp(a)) || compare(a.createdAt, b.createdAt) || compare(a.id, b.id),
  )[0];
}

function placeOf(slot: Slot, world: World): Place {
  const keep = keeper(slot, world.containers);
  const others = world.containers.filter((one) => slotOf(one.origin) === slot.key && one !== keep);
  return { slot, keep, others };
}

interface Outcome {
  readonly steps?: readonly Step[];
  readonly obstacle?: Obstacle;
  readonly wakeAt?: number;
}

function fill(place: Place, world: World, leave: ReadonlySet<string>): Outcome {
  return place.keep === undefined ? make(place, world) : run(place, place.keep, { world, leave });
}

/** Towards a container that matches: the old one stays as it is meanwhile. */
function make({ slot, others }: Place, world: World): Outcome {
  if (world.purges.some(({ app, done }) => app === slot.app && !done)) return {};
  if (slot.image.state === 'unchecked') return {};
  if (slot.image.state !== 'present') return fetch(slot);
  if (!runsHere(slot.image, world)) return { obstacle: wrongPlatform(slot.image, world) };
  // A dead or vanishing container may still have the name that the new one gets.
  const namesake = others.find(({ name }) => name === slot.wanted?.name);
  return { steps: namesake ? retire(namesake) : [createStep(slot)] };
}

function fetch(slot: Slot): Outcome {
  if (slot.secret.state !== 'missing') return { steps: [pullStep(slot)] };
  const detail = `The app names the secret "${slot.secret.name}", which this node does not have.`;
  return { obstacle: { code: 'secret_missing', detail } };
}

/** Towards running the container that matches, alone in its place. */
function run(
  { slot, others }: Place,
  keep: Own,
  { world, leave }: { world: World; leave: ReadonlySet<string> },
): Outcome {
  const gone = others.filter((one) => !isUp(one) || leave.has(one.id)).flatMap(retire);
  if (keep.phase === 'paused') return { steps: [...gone, unpauseStep(keep)] };
  if (isUp(keep) || isCompleted(slot, keep)) return { steps: gone };
  const [blocker] = blockers(keep, world.containers).filter((one) => !leave.has(one.id));
  if (blocker) return { steps: gone, obstacle: portTaken(slot, blocker) };
  const wait = others.some(isUp) || blockers(keep, world.containers).length > 0;
  if (wait) return { steps: gone };
  const dueAt = keep.exits?.dueAt ?? world.now;
  if (keep.phase === 'exited' && dueAt > world.now) return { steps: gone, wakeAt: dueAt };
  return { steps: [...gone, startStep(slot, keep)] };
}

/** Stops a container, and removes it once it stands still. One that is being removed needs nothing. */
function retire(container: Own): Step[] {
  if (container.phase === 'removing') return [];
  return [isUp(container) ? stopStep(container) : removeStep(container)];
}

function purges({ purges: wanted, containers, slots }: World): Step[] {
  return wanted
    .filter(
      ({ app, done }) => !done && !containers.some(({ origin }) => origin.app === app && !isWanted(origin.uid, slots)),
    )
    .map(purgeStep);
}

function isWanted(uid: string, slots: readonly Slot[]): boolean {
  return slots.some((slot) => slot.uid === uid);
}

function sharePulls(steps: readonly Step[]): Step[] {
  const shared = new Map<string, Step>();
  for (const step of steps) {
    const same = shared.get(step.key);
    const both =
      same?.kind === 'pull' && step.kind === 'pull' ? { ...same, slots: [...same.slots, ...step.slots] } : step;
    shared.set(step.key, both);
  }
  return [...shared.values()];
}

/** 64-bit processors run the 32-bit programs of their family. */
const ALSO_RUNS: Readonly<Record<string, readonly string[]>> = { amd64: ['386'], arm64: ['arm'] };

function runsHere(image: { arch: string; os: string }, { arch, os }: World): boolean {
  return image.os === os && (image.arch === arch || ALSO_RUNS[arch]?.includes(image.arch) === true);
}

function wrongPlatform(image: { arch: string; os: string }, { arch, os }: World): Obstacle {
  const detail = `The image is built for ${image.os}/${image.arch}, this machine is ${os}/${arch}.`;
  return { code: 'arch_mismatch', detail };
}

function portTaken({ spec }: Slot, { origin, ports }: Own): Obstacle {
  const taken = spec.ports.find(({ hostPort }) => ports.some((held) => held.hostPort === hostPort));
  const which = taken ? `${taken.hostPort}/${taken.protocol}` : 'it needs';
  return {
    code: 'port_taken',
    detail: `Host port ${which} is held by container "${origin.container}" of app "${origin.app}".`,
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
