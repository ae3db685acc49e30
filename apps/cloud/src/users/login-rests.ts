import type { Clock } from '@selvage/reconcile';
import { restAfter } from './users.rules.js';

const MAX_NAMES = 10_000;
const FORGET_MS = 3_600_000;

/** Counts wrong passwords per user name and says how long that name rests. Bounded: the name that failed longest ago is forgotten. */
export class LoginRests {
  private readonly failures = new Map<string, { count: number; at: number }>();

  constructor(private readonly clock: Clock) {}

  /** Whole seconds until the name may try again; 0: now. */
  secondsLeft(username: string): number {
    const failed = this.failures.get(username);
    if (failed === undefined) return 0;
    const since = this.clock.monotonic() - failed.at;
    if (since > FORGET_MS) this.failures.delete(username);
    return Math.max(0, Math.ceil(restAfter(failed.count) - since / 1000));
  }

  failed(username: string): void {
    const count = (this.failures.get(username)?.count ?? 0) + 1;
    this.failures.delete(username);
    this.failures.set(username, { count, at: this.clock.monotonic() });
    const [oldest] = this.failures.keys();
    if (this.failures.size > MAX_NAMES && oldest !== undefined) this.failures.delete(oldest);
  }

  succeeded(username: string): void {
    this.failures.delete(username);
  }
}
