import { Away, type Outcome } from '@selvage/outbox';
import { asAway } from './away.js';
import type { Outgoing } from './kind.js';

/** Messages of so many keys are under way at once, unless the caller can bear more. */
const AT_ONCE = 16;

/**
 * Delivers one message after the other of each key, and several keys side by side. After one of a key failed, the later ones of that key are
 * left for another time. Rejects with an `Away` when the other side is not there and nothing at all was delivered.
 */
export async function inOrder(
  batch: readonly Outgoing[],
  deliver: (one: Outgoing) => Promise<Outcome>,
  atOnce = AT_ONCE,
): Promise<readonly Outcome[]> {
  const outcomes = batch.map((): Outcome => ({ is: 'waits' }));
  const queues = [...byKey(batch).values()];
  const away: { error?: Away } = {};
  const tried = async (index: number, one: Outgoing): Promise<boolean> => {
    try {
      const outcome = await deliver(one);
      outcomes[index] = outcome;
      return outcome.is === 'delivered' || outcome.is === 'rejected';
    } catch (error) {
      away.error ??= asAway(error);
      return false;
    }
  };
  const run = async (): Promise<void> => {
    for (let queue = queues.shift(); queue !== undefined && away.error === undefined; queue = queues.shift())
      for (const index of queue) {
        const one = batch[index];
        if (one === undefined || !(await tried(index, one))) break;
      }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, queues.length) }, run));
  if (away.error !== undefined && outcomes.every(({ is }) => is === 'waits')) throw away.error;
  return outcomes;
}

function byKey(batch: readonly Outgoing[]): Map<string, number[]> {
  const queues = new Map<string, number[]>();
  for (const [index, { key, seq }] of batch.entries()) {
    const name = key ?? `#${seq}`;
    const queue = queues.get(name);
    if (queue === undefined) queues.set(name, [index]);
    else queue.push(index);
  }
  return queues;
}
