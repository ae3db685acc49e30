import { nodeKey, type NodeRef } from '@selvage/protocol';
import { z } from 'zod';

/** How many rejected messages are remembered of a lane: more than are on their way at once, as a rule. */
const MAX_REJECTED = 100;
const MAX_DETAIL = 300;

const rejections = z.array(z.tuple([z.number(), z.string(), z.string()]));

/** A lane of one outbox of one node. */
export interface LaneRef {
  readonly ref: NodeRef;
  readonly epoch: string;
  readonly lane: string;
}

/** A message that was rejected, and the words for it. */
export interface Rejection {
  readonly code: string;
  readonly detail: string;
}

/** Up to where one lane is done with, inside one transaction. */
export class LanePosition {
  readonly #rejected: Map<number, Rejection>;
  private readonly before: number;

  constructor(
    readonly of: LaneRef,
    private reached: number,
    rejected: string,
  ) {
    this.before = reached;
    const kept = rejections.parse(JSON.parse(rejected));
    this.#rejected = new Map(kept.map(([seq, code, detail]) => [seq, { code, detail }]));
  }

  get seq(): number {
    return this.reached;
  }

  /** Whether no message of it has come before this transaction. */
  get isNew(): boolean {
    return this.before === 0;
  }

  get rejected(): string {
    const last = [...this.#rejected].slice(-MAX_REJECTED);
    return JSON.stringify(last.map(([seq, { code, detail }]) => [seq, code, detail.slice(0, MAX_DETAIL)]));
  }

  /** Passes a message; whether it is new. */
  pass(seq: number): boolean {
    if (seq <= this.reached) return false;
    this.reached = seq;
    return true;
  }

  reject(seq: number, why: Rejection): void {
    this.#rejected.set(seq, why);
  }

  /** Why a message was rejected when it came before. */
  rejection(seq: number): Rejection | undefined {
    return this.#rejected.get(seq);
  }
}

/** Names a lane among those of all nodes. */
export function keyOf({ ref, epoch, lane }: LaneRef): string {
  return `${nodeKey(ref)} ${epoch} ${lane}`;
}
