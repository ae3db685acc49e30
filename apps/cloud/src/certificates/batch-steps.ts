import { EdgeError } from '@selvage/protocol';
import type { Outcome } from '../db/index.js';

/** Goes on with the items of a batch that are still good; the others keep their error and their place. */
export async function goOn<A, B>(
  outcomes: readonly Outcome<A>[],
  work: (good: readonly A[]) => Promise<readonly Outcome<B>[]>,
): Promise<Outcome<B>[]> {
  const good = outcomes.flatMap((one) => ('ok' in one ? [one.ok] : []));
  const results = (good.length === 0 ? [] : await work(good))[Symbol.iterator]();
  return outcomes.map((one) => ('ok' in one ? (results.next().value ?? leftOut()) : one));
}

/** Does something for each item at the same time; what fails for one does not fail the others. */
export function forEachAlone<A, B>(items: readonly A[], work: (item: A) => Promise<B>): Promise<Outcome<B>[]> {
  return Promise.all(
    items.map((item) =>
      work(item).then(
        (ok) => ({ ok }),
        (error: unknown) => ({ error: error instanceof Error ? error : new EdgeError('internal', String(error)) }),
      ),
    ),
  );
}

function leftOut(): { error: Error } {
  return { error: new EdgeError('internal', 'A batch left one of its items out.') };
}
