import type { Cancel } from '@selvage/reconcile';
import { admit, admitPromised } from './budget.js';
import { Commit, FLUSH_COUNT } from './commit.js';
import { DeadLetters } from './dead-letters.js';
import { type Drop, DropLedger } from './drops.js';
import { GroupCommit } from './group-commit.js';
import { Lanes } from './lanes.js';
import type { DeadLetter, Head, NewMessage, Prepared, Queued, Reason, Taken } from './message.js';
import { checkNames, sizeOf } from './message.js';
import type { LaneStatus, OutboxListener, OutboxOptions } from './options.js';
import { OutboxRefusal } from './refusal.js';
import { Selection } from './selection.js';
import { Shedding } from './shedding.js';
import type { Bounds, Limits } from './store.js';
import { Timeline } from './timeline.js';
import { Upkeep } from './upkeep.js';

/**
 * Messages on their way to the next hop: stored before they are acknowledged, forgotten only when the next hop has stored them, or
 * counted as dropped with a reason. Within its lane a message never overtakes another.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #lanes: Lanes;
  readonly #drops = new DropLedger();
  readonly #dead = new DeadLetters(this.#drops);
  readonly #timeline: Timeline;
  readonly #selection: Selection;
  readonly #shedding: Shedding;
  readonly #commits: GroupCommit;
  readonly #listeners = new Set<OutboxListener>();
  #selecting: Promise<unknown> = Promise.resolve();
  #epoch = '';
  #lastSeq = 0;
  #open = false;
  /** How often the store was opened. */
  #opened = 0;
  /** How often what the store had told may have lacked something. */
  #doubts = 0;
  readonly #upkeep: Upkeep;
  readonly #commit: Commit;

  constructor(options: OutboxOptions) {
    const { store, clock, rules, total, random = Math.random, trouble = () => undefined } = options;
    this.#options = options;
    this.#lanes = new Lanes(rules);
    this.#timeline = new Timeline(clock);
    const ports = { store, lanes: this.#lanes, drops: this.#drops, timeline: this.#timeline, total };
    this.#selection = new Selection(ports);
    this.#shedding = new Shedding(ports);
    this.#commits = new GroupCommit({
      ...{ clock, random, failed: trouble },
      write: (batch) => this.#write(batch),
      recover: () => this.#recover(),
    });
    this.#upkeep = new Upkeep(clock, () => {
      this.#commits.poke();
    });
    this.#commit = new Commit({ ...ports, clock, dead: this.#dead, shedding: this.#shedding, upkeep: this.#upkeep });
  }

  async start(): Promise<void> {
    await this.#load();
    this.#open = true;
    this.#upkeep.start();
  }

  /** Writes what waits, and closes. */
  async stop(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    this.#upkeep.stop();
    await this.#commits.stop();
    await this.#options.store.close();
  }

  /** With a sequence it names a message for ever. It changes when the store's file had to be made anew. */
  get epoch(): string {
    return this.#epoch;
  }
  get lanes(): readonly LaneStatus[] {
    return this.#lanes.all.map(({ name: lane, count, bytes }) => ({ lane, count, bytes }));
  }
  /** Everything that was dropped since the file was made. */
  get drops(): readonly Drop[] {
    return this.#drops.all;
  }
  /** What these lanes dropped is of no use any more; its owner takes it off the disk. */
  forgetDrops(lanes: ReadonlySet<string>): void {
    this.#drops.forget(lanes);
  }
  get deadCount(): number {
    return this.#dead.count;
  }
  get deadLanes(): ReadonlyMap<string, number> {
    return this.#dead.lanes;
  }
  /** Why nothing can be written, while it is so. */
  get failure(): Error | undefined {
    return this.#commits.failure;
  }

  listen(listener: OutboxListener): Cancel {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when the message is on the disk. @throws OutboxRefusal: it is not, and must not be acknowledged. */
  append(message: NewMessage): Promise<void> {
    const size = sizeOf(message);
    const { lane, at = this.#options.clock.now() } = message;
    try {
      this.#admit(message, size);
    } catch (refusal) {
      this.#drops.count('refused', { lane, at, size });
      if (this.#open) this.#flushSoon();
      return Promise.reject(refusal instanceof Error ? refusal : new Error(String(refusal)));
    }
    const queued = this.#queued(message, { at, size });
    this.#lanes.coming(queued);
    return this.#commits.add(queued);
  }

  /**
   * Makes messages ready for whoever writes them together with something of its own, in one transaction; `stored` is told after the
   * commit, `unsure` when it is not known whether there was one. Of one lane all messages come this way, one transaction after the
   * other, or none. They were promised to somebody already: a lane that refuses when it is full takes them all the same.
   * @throws OutboxRefusal: nothing of the lane's is to be written now.
   */
  prepare(messages: readonly NewMessage[]): Prepared {
    const queued = messages.map((message) => {
      const size = sizeOf(message);
      this.#check(message, size);
      admitPromised(this.#lanes.of(message.lane), size, this.#lanes.whole(this.#options.total));
      return this.#queued(message, { at: message.at ?? this.#options.clock.now(), size });
    });
    return { queued, since: this.#opened };
  }

  /** These are on the disk, written by somebody else. */
  stored({ queued, since }: Prepared): void {
    if (!this.#open || queued.length === 0) return;
    if (since !== this.#opened) this.#doubt('messages came while the outbox was opened');
    for (const message of queued) this.#lanes.coming(message);
    this.#lanes.came(queued);
    this.#flushSoon();
    this.#tellReady(queued);
  }

  /** Whether these are on the disk nobody knows: the connection was lost at the commit. */
  unsure({ queued }: Prepared): void {
    if (this.#open && queued.length > 0) this.#doubt('it is not known whether messages were written');
  }

  /** The next messages, oldest first within a lane; of one lane only, if one is named. Nobody else gets them meanwhile. */
  take(limits: Limits, only?: string): Promise<Taken[]> {
    return this.#select(async () => {
      if (!this.#open || this.failure !== undefined) return [];
      try {
        return await this.#selection.take(limits, only);
      } catch (error) {
        this.#commits.fail(error);
        return [];
      } finally {
        if (this.#lanes.leavingCount > 0) this.#flushSoon();
      }
    });
  }

  /** The next hop has stored these. What nobody has taken, or is settled already, is passed over. */
  settle(seqs: Iterable<number>): void {
    for (const seq of seqs) this.#lanes.leaveTaken(seq);
    this.#flushSoon();
  }

  /** The next hop will never take it: it goes to the dead letters. */
  bury(seq: number, why: Reason): void {
    const head = this.#lanes.leaveTaken(seq, why);
    if (head === undefined) return;
    this.#dead.add(head);
    this.#flushSoon();
  }

  /** What was taken and not settled may be taken again, from the oldest on. */
  rewind(only?: string): Promise<void> {
    return this.#select(() => {
      this.#lanes.rewind(only);
      return Promise.resolve();
    });
  }

  /** Dead letters after a sequence, oldest first. */
  async dead(after: number, messages: number): Promise<DeadLetter[]> {
    const letters = await this.#options.store.dead(after, messages);
    return letters.filter(({ seq }) => this.#dead.has(seq));
  }

  /** The dead letters of some lanes without their bodies, oldest first. */
  deadIn(lanes: (lane: string) => boolean): readonly Head[] {
    return this.#dead.in(lanes);
  }

  /** Throws dead letters away, counted. */
  discard(seqs: Iterable<number>): void {
    for (const seq of seqs) {
      const head = this.#dead.remove(seq);
      if (head !== undefined) this.#drops.count('discarded', head);
    }
    this.#flushSoon();
  }

  /** Sends a dead letter, if it is there, again at the end of a lane: its own, or another when that is written through `prepare`. */
  async revive(seq: number, lane?: string): Promise<void> {
    const [letter] = await this.dead(seq - 1, 1);
    if (letter?.seq !== seq) return;
    const { key, body, at } = letter;
    await this.append({ lane: lane ?? letter.lane, body, at, ...(key !== undefined && { key }) });
    this.#dead.remove(seq);
    this.#flushSoon();
  }

  #admit(message: NewMessage, size: number): void {
    this.#check(message, size);
    admit(this.#lanes.of(message.lane), size, this.#lanes.whole(this.#options.total));
  }

  #check(message: NewMessage, size: number): void {
    const { maxMessage } = this.#options;
    if (!this.#open) throw new OutboxRefusal('closed', 'The outbox is closed.');
    checkNames(message);
    if (size > maxMessage)
      throw new OutboxRefusal('too_large', `The message counts for ${size} bytes; ${maxMessage} is the most.`);
    this.#commits.check(size);
  }

  /** The store is asked again what is there. */
  #doubt(why: string): void {
    this.#doubts += 1;
    this.#commits.fail(new Error(why));
  }

  #queued({ lane, key, body, ttlMs }: NewMessage, { at, size }: { at: number; size: number }): Queued {
    this.#lastSeq += 1;
    const born = this.#timeline.now();
    const queued = { seq: this.#lastSeq, lane, at: Math.round(at), born, size, body };
    const expires = ttlMs === undefined ? undefined : born + Math.ceil(ttlMs);
    return { ...queued, ...(key !== undefined && { key }), ...(expires !== undefined && { expires }) };
  }

  async #load(): Promise<void> {
    const { epoch, lastSeq, lanes, dead, drops, ...moment } = await this.#bounds();
    this.#epoch = epoch;
    this.#lastSeq = Math.max(this.#lastSeq, lastSeq);
    this.#lanes.reset(lanes);
    this.#drops.reset(drops);
    this.#dead.reset(dead);
    this.#timeline.resume(moment);
  }

  /** What is on the disk, with all that somebody else wrote there while it was looked at. */
  async #bounds(): Promise<Bounds> {
    const doubts = this.#doubts;
    this.#opened += 1;
    const bounds = await this.#options.store.open();
    return doubts === this.#doubts ? bounds : this.#bounds();
  }

  async #recover(): Promise<void> {
    if (!this.#open) return;
    await this.#select(() => this.#load());
    for (const listener of this.#listeners) listener.reset();
    this.#tellReady();
  }

  async #write(append: readonly Queued[]): Promise<void> {
    await this.#commit.write(append, (run) => this.#select(run));
    this.#lanes.came(append);
    if (append.length > 0) this.#tellReady(append);
  }

  /** One after the other, so that nothing is taken and dropped at the same time. */
  #select<T>(run: () => Promise<T>): Promise<T> {
    const done = this.#selecting.then(run);
    this.#selecting = done.catch(() => undefined);
    return done;
  }

  #flushSoon(): void {
    if (this.#lanes.leavingCount >= FLUSH_COUNT) this.#upkeep.flush();
    else this.#upkeep.flushSoon();
  }

  #tellReady(came?: readonly Queued[]): void {
    const lanes = came && new Set(came.map(({ lane }) => lane));
    for (const listener of this.#listeners) listener.ready(lanes);
  }
}
