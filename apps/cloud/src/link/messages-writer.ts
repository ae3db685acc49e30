import { Inject, Injectable } from '@nestjs/common';
import { EdgeError, toEdgeError, type UpFrame } from '@selvage/protocol';
import { type Backoff, delay } from '@selvage/reconcile';
import { Database } from '../db/index.js';
import { LOG, type Logger } from '../log/index.js';
import { byHalves, isAway } from './by-halves.js';
import { type Arrived, type Flow, MessageIntake, type MessageSource } from './messages-intake.js';
import type { Rejection } from './lane-position.js';
import { MessagePositions } from './messages-positions.service.js';
import { MessageRegistry } from './messages.js';
import { MessageWork } from './messages-work.js';

type Frame = Extract<UpFrame, { t: 'messages' }>;

/** Between tries while the database is away. */
const AWAY: Backoff = { baseMs: 200, capMs: 5_000, floorMs: 100 };
/** A message that fails alone so often is rejected. */
const MAX_TRIES = 3;
const ALONE: Backoff = { baseMs: 100, capMs: 1_000, floorMs: 50 };

/** Writes down the messages of all nodes, many in one transaction, and tells each node what it may forget. */
@Injectable()
export class MessageWriter {
  private readonly intake = new MessageIntake();
  private writing: Promise<void> | undefined;
  private readonly stopping = new AbortController();

  constructor(
    private readonly db: Database,
    private readonly registry: MessageRegistry,
    private readonly positions: MessagePositions,
    @Inject(LOG) private readonly log: Logger,
  ) {}

  take(source: MessageSource, flow: Flow, frame: Frame): void {
    this.intake.add(source, flow, frame);
    if (!this.stopping.signal.aborted) this.writing ??= this.drain();
  }

  /** The link is gone: what it brought and was not written comes again. */
  forget(source: MessageSource): void {
    this.intake.forget(source);
  }

  /** Resolves when what is being written has been written; the rest comes again. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.writing;
  }

  private async drain(): Promise<void> {
    // One turn later, so that messages of the same moment share a batch.
    await new Promise((resolve) => setImmediate(resolve));
    for (let batch = this.intake.batch(); batch.length > 0; batch = this.intake.batch()) {
      await this.write(batch);
      this.intake.done(batch);
      if (this.stopping.signal.aborted) break;
    }
    this.writing = undefined;
  }

  /** Writes a batch, whatever it takes; what fails for a reason of its own is rejected in the end. */
  private write(batch: readonly Arrived[]): Promise<void> {
    return byHalves(batch, {
      write: (some) => this.persist(some),
      alone: (one, thrown) => this.giveUp(one, thrown),
    });
  }

  /** Writes all of them, or rejects them for a reason, as soon as the database is there. */
  private async persist(batch: readonly Arrived[], why?: Rejection): Promise<void> {
    for (let tries = 1; !this.stopping.signal.aborted; tries += 1) {
      try {
        await this.store(batch, why);
        return;
      } catch (thrown) {
        const away = isAway(thrown);
        if (!away && (batch.length > 1 || tries >= MAX_TRIES)) throw thrown;
        if (away && tries === 1)
          this.log.warn({ err: thrown, messages: batch.length }, 'messages wait for the database');
        await this.rest(tries, away ? AWAY : ALONE);
      }
    }
  }

  private async giveUp(one: Arrived, thrown: unknown): Promise<void> {
    this.lament(one, thrown);
    try {
      await this.persist([one], reasonOf(thrown));
    } catch (again) {
      this.lament(one, again);
    }
  }

  private lament({ source, message: { lane, seq } }: Arrived, thrown: unknown): void {
    this.log.error({ err: thrown, node: source.key, lane, seq }, 'a message was given up');
  }

  private async store(batch: readonly Arrived[], why?: Rejection): Promise<void> {
    const { registry, positions } = this;
    // Made anew for each try: PostgreSQL may have the transaction begun again.
    let work = new MessageWork({ registry, positions, batch });
    try {
      await this.db.write((tx) => {
        work = new MessageWork({ registry, positions, batch });
        return why === undefined ? work.run(tx) : work.reject(tx, why);
      });
    } catch (error) {
      if (isAway(error)) work.unsure();
      throw error;
    }
    work.tell();
    try {
      work.committed();
    } catch (error) {
      this.log.error({ err: error }, 'what follows from messages failed; they are written');
    }
  }

  private rest(tries: number, backoff: Backoff): Promise<void> {
    const { signal } = this.stopping;
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, delay(tries, backoff, Math.random));
      signal.addEventListener('abort', done);
    });
  }
}

/** What the node's owner reads. An error that nobody foresaw may hold what is none of the owner's business. */
function reasonOf(thrown: unknown): Rejection {
  const { code, detail } = toEdgeError(thrown);
  return { code, detail: thrown instanceof EdgeError ? detail : 'The hub could not take it; its log says why.' };
}
