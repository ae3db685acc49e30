/** One thing to do. `key` names what it does and for which revision; at most one step of a `subject` is under way at a time. */
export interface Step {
  readonly key: string;
  readonly subject: string;
}

/** A step that failed and waits for its next try. */
export interface StepFailure<S extends Step> {
  readonly step: S;
  readonly error: unknown;
  /** Failures in a row. */
  readonly attempts: number;
  /** When it failed last, epoch milliseconds. */
  readonly failedAt: number;
  /** When the next try is due, epoch milliseconds. */
  readonly retryAt: number;
}

/** What a pass of the loop saw and did, for the report. */
export interface View<D, O, S extends Step> {
  readonly desired: D;
  readonly observed: O;
  readonly steps: readonly S[];
  readonly inFlight: readonly S[];
  readonly failures: ReadonlyMap<string, StepFailure<S>>;
}

/** One noun that is kept as desired: what is wanted, what is there, and how to get from one to the other. */
export interface Noun<D, O, S extends Step> {
  readonly name: string;
  desired(signal: AbortSignal): Promise<D> | D;
  observe(signal: AbortSignal): Promise<O> | O;
  /** Pure. The steps that can be taken now; those that need others first come in a later plan. */
  plan(desired: D, observed: O): readonly S[];
  /** Rejects when the step failed. Its signal is aborted when the step is no longer wanted. */
  apply(step: S, signal: AbortSignal): Promise<void>;
  report(view: View<D, O, S>): Promise<void> | void;
}
