import { LATENCY_MS } from '@selvage/protocol';
import type { Clock } from '@selvage/reconcile';
import { z } from 'zod';

const MAX_ERRORS = 5;
const MAX_DETAIL = 500;

const total = z.int().min(0);
const gap = z.object({ count: total, from: z.int(), to: z.int() });
const count = z.object({
  taken: total,
  filtered: total,
  failed: total,
  forwarded: total,
  bytes: total,
  latency: z.array(total).length(LATENCY_MS.length + 1),
  /** What was dropped before it came to an outbox, by reason; from when to when, epoch milliseconds. */
  drops: z.record(z.string().max(32), gap),
  /** Newest first. */
  errors: z.array(z.object({ at: z.int(), detail: z.string() })).max(MAX_ERRORS),
});

/** What happened with one route since it is there. */
export type Count = z.infer<typeof count>;

/** Why a message is dropped before it comes to an outbox. */
export type Refused = 'too-large' | 'loop';

/** Counts what happens with routes. What changed since it was last asked for is told by `changed`. */
export class Counts {
  readonly #counts = new Map<string, Count>();
  readonly #changed = new Set<string>();

  constructor(private readonly clock: Pick<Clock, 'now'>) {}

  /** Takes over what was written down; what cannot be read begins anew. */
  load(uid: string, record: Uint8Array): void {
    const read = count.safeParse(jsonOf(record));
    if (read.success) this.#counts.set(uid, read.data);
  }

  of(uid: string): Count {
    return this.#counts.get(uid) ?? fresh();
  }

  taken(uid: string): void {
    this.#change(uid).taken += 1;
  }

  filtered(uid: string): void {
    this.#change(uid).filtered += 1;
  }

  /** A try failed. */
  failed(uid: string, detail: string): void {
    const changed = this.#change(uid);
    changed.failed += 1;
    this.#error(changed, detail);
  }

  dropped(uid: string, reason: Refused, detail: string): void {
    const changed = this.#change(uid);
    const at = Math.round(this.clock.now());
    const before = changed.drops[reason] ?? { count: 0, from: at, to: at };
    changed.drops[reason] = { count: before.count + 1, from: Math.min(before.from, at), to: Math.max(before.to, at) };
    this.#error(changed, detail);
  }

  /** The target has it; `at`: when it came into being, epoch milliseconds. */
  forwarded(uid: string, { bytes, at }: { readonly bytes: number; readonly at: number }): void {
    const changed = this.#change(uid);
    changed.forwarded += 1;
    changed.bytes += bytes;
    const bucket = bucketOf(this.clock.now() - at);
    changed.latency[bucket] = (changed.latency[bucket] ?? 0) + 1;
  }

  /** Uids of those that changed since this was called last. */
  changed(): string[] {
    const changed = [...this.#changed];
    this.#changed.clear();
    return changed;
  }

  record(uid: string): Uint8Array {
    return Buffer.from(JSON.stringify(this.of(uid)), 'utf8');
  }

  forget(uid: string): void {
    this.#counts.delete(uid);
    this.#changed.delete(uid);
  }

  get uids(): string[] {
    return [...this.#counts.keys()];
  }

  #change(uid: string): Count {
    this.#changed.add(uid);
    const known = this.#counts.get(uid) ?? fresh();
    this.#counts.set(uid, known);
    return known;
  }

  #error(changed: Count, detail: string): void {
    changed.errors.unshift({ at: Math.round(this.clock.now()), detail: detail.slice(0, MAX_DETAIL) });
    changed.errors.splice(MAX_ERRORS);
  }
}

function bucketOf(ms: number): number {
  const bucket = LATENCY_MS.findIndex((bound) => ms <= bound);
  return bucket === -1 ? LATENCY_MS.length : bucket;
}

function fresh(): Count {
  const latency = Array.from({ length: LATENCY_MS.length + 1 }, () => 0);
  return { taken: 0, filtered: 0, failed: 0, forwarded: 0, bytes: 0, latency, drops: {}, errors: [] };
}

function jsonOf(record: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(record).toString('utf8'));
  } catch {
    return undefined;
  }
}
