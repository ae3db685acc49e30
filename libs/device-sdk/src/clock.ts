import type { Clock } from '@selvage/reconcile';

const LONGEST_MS = 2_147_483_647;

/** Time in Node and in browsers. A pending timer keeps a program alive, as a device that waits for its node must stay. */
export const deviceClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  timer: (ms, run) => {
    const timer = setTimeout(run, Math.min(Math.max(ms, 0), LONGEST_MS));
    return () => {
      clearTimeout(timer);
    };
  },
};
