/** Undoes a timer; harmless when it has fired already. */
export type Cancel = () => void;

/** Time, as everything that waits gets it: a fake one in tests. */
export interface Clock {
  /** Wall clock, epoch milliseconds. It may jump either way: for people and records only. */
  now(): number;
  /** Milliseconds since some start. It never goes back: for every delay, deadline and age. */
  monotonic(): number;
  /** Runs once after `ms` milliseconds. A pending timer does not keep the process alive. */
  timer(ms: number, run: () => void): Cancel;
}

/** Longest delay that Node's timers take. A longer one fires early, and whoever set it looks at the clock again. */
const LONGEST_MS = 2_147_483_647;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  timer: (ms, run) => {
    const timer = setTimeout(run, Math.min(Math.max(ms, 0), LONGEST_MS));
    timer.unref();
    return () => {
      clearTimeout(timer);
    };
  },
};
