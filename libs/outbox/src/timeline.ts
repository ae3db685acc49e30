import type { Clock } from '@selvage/reconcile';

/** A machine that seems to have been off for longer had its clock changed. */
const LONGEST_OFF_MS = 60 * 24 * 3_600_000;

/**
 * Time by which messages grow old: milliseconds since the outbox was made. It follows the clock that never jumps; of the time that
 * the machine was off, the wall clock tells, and is not believed when it went back or leapt.
 */
export class Timeline {
  #start = 0;

  constructor(private readonly clock: Pick<Clock, 'now' | 'monotonic'>) {}

  /** Goes on from the newest moment that was written, and the wall clock of that moment. */
  resume({ born, wall }: { readonly born: number; readonly wall: number }): void {
    this.#start = born + timeOff(wall, this.clock.now()) - this.clock.monotonic();
  }

  now(): number {
    return Math.max(0, Math.round(this.#start + this.clock.monotonic()));
  }
}

/** Milliseconds that a machine was off, by its wall clock before and after; 0 when that cannot be. */
export function timeOff(before: number, after: number): number {
  const off = after - before;
  return before > 0 && off > 0 && off <= LONGEST_OFF_MS ? off : 0;
}
