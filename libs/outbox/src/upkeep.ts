import type { Cancel, Clock } from '@selvage/reconcile';

/** What was delivered leaves the disk so much later at most, with others; until then it would be delivered again after a crash. */
const FLUSH_MS = 100;
/** How often it is looked for what is too old. */
const SWEEP_MS = 10_000;

/** What is to be done with the next commit, and when that is due even if nothing is appended. */
export class Upkeep {
  /** What is gone leaves the disk. */
  flushDue = false;
  /** What is too old is looked for. */
  sweepDue = false;
  /** The present moment is to be written even if nothing else is: so that the time off can be told at the next start. */
  momentDue = false;
  #flushing: Cancel | undefined;
  #sweeping: Cancel | undefined;

  constructor(
    private readonly clock: Pick<Clock, 'timer'>,
    /** Begins a commit. */
    private readonly poke: () => void,
  ) {}

  start(): void {
    this.sweepDue = true;
    this.momentDue = true;
    this.flush();
    this.#sweepLater();
  }

  stop(): void {
    this.#flushing?.();
    this.#sweeping?.();
    this.momentDue = true;
    this.flush();
  }

  flush(): void {
    this.flushDue = true;
    this.poke();
  }

  flushSoon(): void {
    this.#flushing ??= this.clock.timer(FLUSH_MS, () => {
      this.flush();
    });
  }

  /** It is being flushed. */
  flushed(): void {
    this.flushDue = false;
    this.#flushing?.();
    this.#flushing = undefined;
  }

  #sweepLater(): void {
    this.#sweeping = this.clock.timer(SWEEP_MS, () => {
      this.sweepDue = true;
      this.poke();
      this.#sweepLater();
    });
  }
}
