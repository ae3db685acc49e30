import type { Logger } from 'pino';
import { z } from 'zod';
import type { Records } from './options.js';

const RECORD = 'd/';
/** Sequences that are remembered of a lane at least: more than its sender has under way, or has not written down yet. */
const KEEP = 4_096;
/** Lanes that are remembered; whoever was silent for longest makes room. */
const MAX_LANES = 1_024;

const record = z.object({ epoch: z.string(), lane: z.string(), seqs: z.array(z.int()) });

/** Where messages come from: a lane of an outbox. With a sequence it names a message for ever. */
export interface Source {
  /** Names the outbox. */
  readonly epoch: string;
  readonly lane: string;
}

export interface Note {
  /** Resolves when it is on the disk. */
  readonly stored: Promise<void>;
  /** These were not published after all. */
  undo(seqs: readonly number[]): void;
}

interface Lane {
  readonly epoch: string;
  readonly seqs: Set<number>;
  /** Oldest first. */
  readonly notes: Map<string, readonly number[]>;
}

/** Remembers on the disk which messages the broker has taken, so that it takes none twice. */
export class Delivered {
  readonly #lanes = new Map<string, Lane>();
  #next = 1;

  constructor(
    private readonly journal: Records,
    private readonly log: Pick<Logger, 'warn'>,
  ) {}

  async load(): Promise<void> {
    for await (const [key, value] of this.journal.read(RECORD)) {
      const read = record.safeParse(jsonOf(value));
      if (read.success) this.#remember(read.data, key, read.data.seqs);
      this.#next = Math.max(this.#next, Number(key.slice(RECORD.length)) + 1 || 0);
    }
  }

  has({ epoch, lane }: Source, seq: number): boolean {
    const known = this.#lanes.get(lane);
    return known?.epoch === epoch && known.seqs.has(seq);
  }

  /** Notes down messages; what the broker writes in the same turn is on the disk with this, or neither is. */
  note(source: Source, seqs: readonly number[]): Note {
    const key = RECORD + String(this.#next).padStart(16, '0');
    this.#next += 1;
    const stored = this.journal.put(key, bytesOf(source, seqs));
    const lane = this.#remember(source, key, seqs);
    this.#shorten(lane);
    return {
      stored,
      undo: (undone) => {
        this.#undo({ source, key, lane }, undone);
      },
    };
  }

  /** A lane that is no more. */
  forget(lane: string): void {
    for (const key of this.#lanes.get(lane)?.notes.keys() ?? []) this.#written(this.journal.delete(key));
    this.#lanes.delete(lane);
  }

  get lanes(): string[] {
    return [...this.#lanes.keys()];
  }

  epochOf(lane: string): string | undefined {
    return this.#lanes.get(lane)?.epoch;
  }

  #remember({ epoch, lane: name }: Source, key: string, seqs: readonly number[]): Lane {
    const known = this.#lanes.get(name);
    if (known !== undefined && known.epoch !== epoch) this.forget(name);
    const lane =
      known?.epoch === epoch ? known : { epoch, seqs: new Set<number>(), notes: new Map<string, number[]>() };
    for (const seq of seqs) lane.seqs.add(seq);
    lane.notes.set(key, seqs);
    // Back to the end: the first one is the one that was silent for longest.
    this.#lanes.delete(name);
    this.#lanes.set(name, lane);
    const [silent] = this.#lanes.keys();
    if (this.#lanes.size > MAX_LANES && silent !== undefined) this.forget(silent);
    return lane;
  }

  #shorten({ seqs, notes }: Lane): void {
    if (seqs.size <= 2 * KEEP) return;
    for (const [key, old] of notes) {
      if (seqs.size - old.length < KEEP) return;
      for (const seq of old) seqs.delete(seq);
      notes.delete(key);
      this.#written(this.journal.delete(key));
    }
  }

  #undo({ source, key, lane }: { source: Source; key: string; lane: Lane }, undone: readonly number[]): void {
    const left = (lane.notes.get(key) ?? []).filter((seq) => !undone.includes(seq));
    for (const seq of undone) lane.seqs.delete(seq);
    lane.notes.set(key, left);
    this.#written(this.journal.put(key, bytesOf(source, left)));
  }

  /** The journal writes it when the disk takes it again. */
  #written(write: Promise<void>): void {
    write.catch((error: unknown) => {
      this.log.warn({ err: error }, 'what the broker took could not be noted down yet');
    });
  }
}

function bytesOf({ epoch, lane }: Source, seqs: readonly number[]): Uint8Array {
  return Buffer.from(JSON.stringify({ epoch, lane, seqs }), 'utf8');
}

function jsonOf(value: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(value).toString('utf8'));
  } catch {
    return undefined;
  }
}
