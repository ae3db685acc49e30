import type { Own, Slot, WantedPurge } from './world.js';

/** What each kind of step is about. */
interface About {
  pull: { readonly reference: string; readonly slots: readonly Slot[] };
  create: { readonly slot: Slot };
  start: { readonly slot: Slot; readonly container: Own };
  unpause: { readonly container: Own };
  stop: { readonly container: Own };
  remove: { readonly container: Own };
  purge: { readonly purge: WantedPurge };
}
export type StepKind = keyof About;

/**
 * One thing to do. `key` names it together with the revision that wants it, so that a new revision starts without old failures;
 * of one `subject` there is one step at a time.
 */
export type StepOf<K extends StepKind> = {
  [P in K]: { readonly kind: P; readonly key: string; readonly subject: string } & About[P];
}[K];
export type Step = StepOf<StepKind>;

/** Slots that want the same image with the same credentials at the same revision share one pull. */
export function pullStep(slot: Slot): StepOf<'pull'> {
  const reference = slot.image.state === 'unresolved' ? slot.spec.image : slot.image.reference;
  const credentials = slot.secret.state === 'found' ? slot.secret.mark : '-';
  const subject = `image ${reference} ${credentials}`;
  return { kind: 'pull', subject, key: `pull ${subject} ${slot.revision}`, reference, slots: [slot] };
}

export function createStep(slot: Slot): StepOf<'create'> {
  const key = `create ${slot.wanted?.name ?? slot.key} ${slot.revision}`;
  return { kind: 'create', subject: `slot ${slot.key}`, key, slot };
}

export function startStep(slot: Slot, container: Own): StepOf<'start'> {
  const { subject, key } = onContainer('start', container);
  return { kind: 'start', subject, key: `${key} ${slot.revision}`, slot, container };
}

export function unpauseStep(container: Own): StepOf<'unpause'> {
  return { kind: 'unpause', ...onContainer('unpause', container), container };
}

export function stopStep(container: Own): StepOf<'stop'> {
  return { kind: 'stop', ...onContainer('stop', container), container };
}

export function removeStep(container: Own): StepOf<'remove'> {
  return { kind: 'remove', ...onContainer('remove', container), container };
}

export function purgeStep(purge: WantedPurge): StepOf<'purge'> {
  const subject = `volumes ${purge.app} ${purge.uid}`;
  return { kind: 'purge', subject, key: `purge ${subject}`, purge };
}

function onContainer(verb: string, { id }: Own): { subject: string; key: string } {
  return { subject: `container ${id}`, key: `${verb} ${id}` };
}
