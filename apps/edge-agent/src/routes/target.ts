import type { Outcome, Taken } from '@selvage/outbox';
import { type RoutedMessage, toEdgeError } from '@selvage/protocol';
import { decodeRouted } from '@selvage/wire';
import type { Counts } from './counts.js';

/** A message on its way to its target. */
export interface Item {
  readonly seq: number;
  readonly message: RoutedMessage;
}

/** Brings messages to where a route leads; see `PumpOptions.deliver`. */
export interface Target {
  deliver(items: readonly Item[], signal: AbortSignal): Promise<readonly Outcome[]>;
  /** It is not used any more. */
  close?(): void;
}

export const DELIVERED: Outcome = { is: 'delivered' };
export const WAITS: Outcome = { is: 'waits' };

export function failed(error: unknown): Outcome {
  const { code, detail } = toEdgeError(error);
  return { is: 'failed', code, detail };
}

export function rejected(error: unknown): Outcome {
  const { code, detail } = toEdgeError(error);
  return { is: 'rejected', code, detail };
}

/**
 * Delivers one after the other until one is not delivered; those after it wait.
 * @throws Away when the first one is not taken, nor any other
 */
export async function inOrder(
  items: readonly Item[],
  deliver: (item: Item) => Promise<Outcome>,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  try {
    for (const item of items) {
      outcomes.push(await deliver(item));
      if (outcomes.at(-1)?.is === 'failed') break;
    }
  } catch (error) {
    if (outcomes.length === 0) throw error;
  }
  return items.map((_item, index) => outcomes[index] ?? WAITS);
}

/** What a pump delivers with: reads the messages, and counts what becomes of them for their route. */
export function delivering(
  uid: string,
  target: Target,
  counts: Pick<Counts, 'forwarded' | 'failed'>,
): (batch: readonly Taken[], signal: AbortSignal) => Promise<readonly Outcome[]> {
  return async (batch, signal) => {
    const read = batch.map(itemOf);
    const items = read.filter((one): one is Item => 'message' in one);
    const outcomes = [...(items.length === 0 ? [] : await tried(items, signal))];
    return read.map((one) => {
      const outcome = 'message' in one ? (outcomes.shift() ?? WAITS) : one;
      if ('detail' in outcome) counts.failed(uid, outcome.detail);
      else if ('message' in one && outcome.is === 'delivered')
        counts.forwarded(uid, { bytes: one.message.payload.byteLength, at: one.message.at });
      return outcome;
    });
  };

  async function tried(items: readonly Item[], signal: AbortSignal): Promise<readonly Outcome[]> {
    try {
      return await target.deliver(items, signal);
    } catch (error) {
      if (!signal.aborted) counts.failed(uid, toEdgeError(error).detail);
      throw error;
    }
  }
}

function itemOf({ seq, body }: Taken): Item | Outcome {
  try {
    return { seq, message: decodeRouted(body) };
  } catch (error) {
    return rejected(error);
  }
}
