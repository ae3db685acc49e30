import { setTimeout as later } from 'node:timers/promises';

/** A steady load. */
export interface Pace {
  readonly perSecond: number;
  readonly seconds: number;
}

/**
 * Begins a request at each tick whether or not the ones before have been answered, and gives how long each took from its tick on,
 * milliseconds: a hub that stalls is charged for the requests that it made wait.
 */
export async function paced({ perSecond, seconds }: Pace, run: (index: number) => Promise<void>): Promise<number[]> {
  const begun = performance.now();
  const running: Promise<number>[] = [];
  for (let index = 0; index < perSecond * seconds; index += 1) {
    const due = begun + (index * 1000) / perSecond;
    await later(Math.max(0, due - performance.now()));
    running.push(run(index).then(() => performance.now() - due));
  }
  return Promise.all(running);
}

/** Lets so much time pass. */
export async function pass(seconds: number): Promise<void> {
  await later(seconds * 1000);
}
