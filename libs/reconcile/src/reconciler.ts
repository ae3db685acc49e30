import { type Backoff, delay } from './backoff.js';
import type { Cancel, Clock } from './clock.js';
import { DeadlineError, inTime } from './deadline.js';
import type { Noun, Step, StepFailure } from './noun.js';

/** Times in milliseconds. Share one object among many loops. */
export interface ReconcilerOptions<S extends Step> {
  readonly clock: Clock;
  /** 0 to 1; `Math.random` unless given. */
  readonly random?: () => number;
  /** Waiting times of a failing step, and of a failing pass. */
  readonly backoff: Backoff;
  /** Looks again after this time even when nobody asked; absent: never. */
  readonly resyncMs?: number;
  /** Steps under way at the same time. */
  readonly concurrency: number;
  readonly observeTimeoutMs: number;
  readonly stepTimeoutMs: number | ((step: S) => number);
  /** Told of each failure of the pass itself (desired, observe, plan, report), once. */
  readonly onError?: (error: unknown, noun: string) => void;
}

/** A step that is not to be taken before `nextAt` (monotonic): it failed, or it succeeded without effect. */
interface Hold<S extends Step> {
  readonly step: S;
  readonly attempts: number;
  readonly nextAt: number;
  readonly failure: StepFailure<S> | undefined;
}

interface Flight<S extends Step> {
  readonly step: S;
  readonly controller: AbortController;
  readonly ended: Promise<void>;
}

const STOP_GRACE_MS = 10_000;
const NO_FAILURES: ReadonlyMap<string, never> = new Map<string, never>();

/**
 * The loop: observe → plan → apply → observe → report, level-triggered. `poke` says that something may have changed; it may be lost
 * or doubled. Passes never overlap, and a pass does not wait for the steps that it starts: a step that ends pokes. A failing step
 * waits alone, exponentially longer; a step that succeeds but is planned again at once waits the same way, so that nothing spins.
 * Idle, it holds no timer (but the resync's) and a few words of memory.
 */
export class Reconciler<D, O, S extends Step> {
  #phase: 'new' | 'started' | 'stopped' = 'new';
  #poked = false;
  #passing = false;
  #failedPasses = 0;
  #flights: Map<string, Flight<S>> | undefined;
  #holds: Map<string, Hold<S>> | undefined;
  #wake: Cancel | undefined;
  /** Ends the pass under way. */
  #ending: AbortController | undefined;

  constructor(
    private readonly noun: Noun<D, O, S>,
    private readonly options: ReconcilerOptions<S>,
  ) {}

  /** Begins with a first pass. Does nothing when it was started or stopped before. */
  start(): void {
    if (this.#phase !== 'new') return;
    this.#phase = 'started';
    this.poke();
  }

  /** Asks for a pass: now, or once more after the one under way. */
  poke(): void {
    this.#poked = true;
    if (this.#phase === 'started' && !this.#passing) void this.#passes();
  }

  /** Aborts what is under way and resolves when it has ended, after ten seconds at the latest. */
  async stop(): Promise<void> {
    this.#phase = 'stopped';
    this.#wake?.();
    this.#wake = undefined;
    this.#ending?.abort(new Error('stopped'));
    const flights = [...(this.#flights?.values() ?? [])];
    for (const { controller } of flights) controller.abort(new Error('stopped'));
    if (flights.length > 0) await this.#graceful(flights.map(({ ended }) => ended));
  }

  async #graceful(ended: Promise<void>[]): Promise<void> {
    let cancel: Cancel = () => undefined;
    const grace = new Promise<void>((resolve) => {
      cancel = this.options.clock.timer(STOP_GRACE_MS, resolve);
    });
    await Promise.race([grace, Promise.all(ended)]);
    cancel();
  }

  async #passes(): Promise<void> {
    this.#passing = true;
    this.#wake?.();
    this.#wake = undefined;
    this.#ending = new AbortController();
    while (this.#poked && this.#phase === 'started') {
      this.#poked = false;
      try {
        await this.#pass();
        this.#failedPasses = 0;
      } catch (error) {
        this.#failed(error);
        break;
      }
    }
    this.#ending = undefined;
    this.#passing = false;
    if (this.#phase === 'started') this.#sleep();
  }

  async #pass(): Promise<void> {
    const desired = await this.#timed('desired', (signal) => this.noun.desired(signal));
    const observed = await this.#timed('observe', (signal) => this.noun.observe(signal));
    const steps = this.noun.plan(desired, observed);
    this.#forget(new Set(steps.map(({ key }) => key)));
    for (const step of steps) this.#launch(step);
    const inFlight = [...(this.#flights?.values() ?? [])].map(({ step }) => step);
    const view = { desired, observed, steps, inFlight, failures: this.#failures() };
    await this.#timed('report', () => this.noun.report(view));
  }

  /** What is there at once costs no timer. */
  #timed<T>(what: string, run: (signal: AbortSignal) => Promise<T> | T): Promise<T> | T {
    const { clock, observeTimeoutMs: ms } = this.options;
    const controller = (this.#ending ??= new AbortController());
    controller.signal.throwIfAborted();
    const result = run(controller.signal);
    if (!(result instanceof Promise)) return result;
    return inTime({ clock, ms, what: `${this.noun.name}: ${what}`, controller }, result);
  }

  #failed(error: unknown): void {
    if (this.#phase !== 'started') return;
    this.#failedPasses += 1;
    this.options.onError?.(error, this.noun.name);
  }

  /** Drops what the newest plan no longer holds: waiting times are forgotten, steps under way are told to end. */
  #forget(planned: ReadonlySet<string>): void {
    for (const key of this.#holds?.keys() ?? []) if (!planned.has(key)) this.#holds?.delete(key);
    if (this.#holds?.size === 0) this.#holds = undefined;
    for (const { step, controller } of this.#flights?.values() ?? []) {
      if (!planned.has(step.key)) controller.abort(new Error('no longer wanted'));
    }
  }

  #launch(step: S): void {
    if (this.#phase !== 'started') return;
    const flights = (this.#flights ??= new Map());
    const free = !flights.has(step.subject) && flights.size < this.options.concurrency;
    const due = (this.#holds?.get(step.key)?.nextAt ?? 0) <= this.options.clock.monotonic();
    if (!free || !due) return;
    const controller = new AbortController();
    flights.set(step.subject, { step, controller, ended: this.#fly(step, controller) });
  }

  async #fly(step: S, controller: AbortController): Promise<void> {
    const { clock, stepTimeoutMs } = this.options;
    const ms = typeof stepTimeoutMs === 'number' ? stepTimeoutMs : stepTimeoutMs(step);
    try {
      // A turn later, so that the flight is on the list before it can end.
      await Promise.resolve();
      controller.signal.throwIfAborted();
      await inTime({ clock, ms, what: step.key, controller }, this.noun.apply(step, controller.signal));
      this.#hold(step, undefined);
    } catch (error) {
      if (!controller.signal.aborted || error instanceof DeadlineError) this.#hold(step, { error });
    } finally {
      this.#flights?.delete(step.subject);
      if (this.#flights?.size === 0) this.#flights = undefined;
      this.poke();
    }
  }

  #hold(step: S, failed: { readonly error: unknown } | undefined): void {
    const { clock, backoff, random = Math.random } = this.options;
    const attempts = (this.#holds?.get(step.key)?.attempts ?? 0) + 1;
    const wait = delay(attempts, backoff, random);
    const failedAt = clock.now();
    const failure = failed && { step, error: failed.error, attempts, failedAt, retryAt: failedAt + wait };
    (this.#holds ??= new Map()).set(step.key, { step, attempts, nextAt: clock.monotonic() + wait, failure });
  }

  #failures(): ReadonlyMap<string, StepFailure<S>> {
    if (this.#holds === undefined) return NO_FAILURES;
    const failed = [...this.#holds].flatMap(([key, { failure }]) =>
      failure === undefined ? [] : [[key, failure] as const],
    );
    return new Map(failed);
  }

  /** One timer for whatever comes first: the next try of a held step, of the pass itself, or the resync. */
  #sleep(): void {
    const { clock, resyncMs, backoff, random = Math.random } = this.options;
    const now = clock.monotonic();
    const waits = [...(this.#holds?.values() ?? [])]
      .filter(({ nextAt }) => nextAt > now)
      .map(({ nextAt }) => nextAt - now);
    if (this.#failedPasses > 0) waits.push(delay(this.#failedPasses, backoff, random));
    if (resyncMs !== undefined) waits.push(resyncMs);
    if (waits.length === 0) return;
    this.#wake = clock.timer(Math.max(1, Math.min(...waits)), () => {
      this.poke();
    });
  }
}
