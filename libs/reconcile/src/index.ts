export { aborted } from './aborted.js';
export { type Backoff, delay } from './backoff.js';
export { type Cancel, type Clock, systemClock } from './clock.js';
export { DeadlineError, type DeadlineOptions, withDeadline } from './deadline.js';
export { linked, type Linked } from './linked.js';
export type { Noun, Step, StepFailure, View } from './noun.js';
export { pause } from './pause.js';
export { Reconciler, type ReconcilerOptions } from './reconciler.js';
