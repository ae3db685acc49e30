import { Away, type Outcome } from '@selvage/outbox';
import { toEdgeError } from '@selvage/protocol';
import { DELIVERED, inOrder, type Item, type Target } from './target.js';
import type { Taking } from './taking.js';

/**
 * Takes for a route, once more, what it could not process: whatever still cannot be processed becomes a dead letter, and goes on when it is
 * sent again after its route was mended.
 */
export class Again implements Target {
  constructor(private readonly taking: Pick<Taking, 'again'>) {}

  deliver(items: readonly Item[]): Promise<readonly Outcome[]> {
    return inOrder(items, async ({ message }) => {
      const taken = this.taking.again(message);
      if ('failure' in taken) return { is: 'rejected', code: 'bad_request', detail: taken.failure };
      try {
        await taken.stored;
        return DELIVERED;
      } catch (error) {
        throw new Away(toEdgeError(error).detail, { cause: error });
      }
    });
  }
}
