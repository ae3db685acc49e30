import { Away, type NewMessage, type Outcome, OutboxRefusal } from '@selvage/outbox';
import { type DesiredRoute, toEdgeError } from '@selvage/protocol';
import { laneMessage } from './envelope.js';
import type { Appendable } from './options.js';
import { DELIVERED, inOrder, type Item, rejected, type Target } from './target.js';

/** Hands over to the hub what a route took while its target was on this node. */
export class Onward implements Target {
  constructor(
    private readonly route: DesiredRoute,
    private readonly hub: Appendable,
  ) {}

  deliver(items: readonly Item[]): Promise<readonly Outcome[]> {
    return inOrder(items, async ({ message }) => {
      const given: NewMessage = laneMessage(this.route, message);
      try {
        await this.hub.append(given);
        return DELIVERED;
      } catch (error) {
        if (error instanceof OutboxRefusal && error.code === 'too_large') return rejected(error);
        throw new Away(toEdgeError(error).detail, { cause: error });
      }
    });
  }
}
