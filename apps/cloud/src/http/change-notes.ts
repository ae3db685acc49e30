import { AsyncLocalStorage } from 'node:async_hooks';

/** A request that is to change something. */
export interface Change {
  readonly actor: string;
  /** Method and path template, `PUT /api/v1/projects/{project}/apps/{name}`. */
  readonly action: string;
  /** Path as asked. */
  readonly target: string;
  readonly project?: string;
  /** `ok`, or the code of the error. */
  readonly outcome: string;
  readonly requestId: string;
}

/** A change under way: `noted` once it is in the log, or is to get there by itself. */
export interface ChangeUnderWay {
  readonly change: Change;
  noted: boolean;
}

/** Which change a piece of code runs for, however deep it is called. */
export class ChangeNotes {
  private readonly underWay = new AsyncLocalStorage<ChangeUnderWay>();

  /** All that `run` sets off belongs to this change. */
  during<T>(change: ChangeUnderWay, run: () => T): T {
    return this.underWay.run(change, run);
  }

  /** The change that goes on here and is not noted yet. */
  get current(): ChangeUnderWay | undefined {
    const underWay = this.underWay.getStore();
    return underWay?.noted === false ? underWay : undefined;
  }
}
