import type { ServerResponse } from 'node:http';
import type { Clock } from '@selvage/reconcile';
import type { Caller } from './caller.js';

/** The wall clock may be set: how long until it is looked at again. */
const LOOK_MS = 60_000;

/** The answers that last. None outlives the token that opened it, nor a hub that stops. */
export class OpenStreams {
  private readonly open = new Map<string, Set<ServerResponse>>();

  constructor(private readonly clock: Clock) {}

  /** Cuts an answer as soon as its caller's token is over. */
  follow({ tokenId, endsAt }: Pick<Caller, 'tokenId' | 'endsAt'>, answer: ServerResponse): void {
    const those = this.open.get(tokenId) ?? new Set();
    this.open.set(tokenId, those.add(answer));
    const cancel = endsAt === undefined ? () => undefined : this.cutAt(endsAt, answer);
    answer.once('close', () => {
      cancel();
      those.delete(answer);
      if (those.size === 0 && this.open.get(tokenId) === those) this.open.delete(tokenId);
    });
  }

  /** Cuts what was opened with these tokens. */
  end(tokenIds: Iterable<string>): void {
    for (const id of tokenIds) for (const answer of this.open.get(id) ?? []) answer.destroy();
  }

  /** Cuts them all. */
  endAll(): void {
    this.end(this.open.keys());
  }

  /** `endsAt`: epoch milliseconds. Gives back what calls it off. */
  private cutAt(endsAt: number, answer: ServerResponse): () => void {
    let cancel = (): void => undefined;
    const look = (): void => {
      const left = endsAt - this.clock.now();
      if (left <= 0) answer.destroy();
      else cancel = this.clock.timer(Math.min(left, LOOK_MS), look);
    };
    look();
    return () => {
      cancel();
    };
  }
}
