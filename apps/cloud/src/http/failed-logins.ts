import type { Clock } from '@selvage/reconcile';

const KEEP_MS = 60_000;
const MAX_NAMES = 60;

/** Which failed logins are noted: each user name once a minute, and no more than 60 names, so that guessing fills no disk. */
export class FailedLogins {
  /** When each name was noted, oldest first. */
  private readonly noted = new Map<string, number>();

  constructor(private readonly clock: Clock) {}

  /** Whether to note this one; then it counts as noted. */
  take(username: string): boolean {
    const now = this.clock.monotonic();
    for (const [name, at] of this.noted) {
      if (now - at < KEEP_MS) break;
      this.noted.delete(name);
    }
    if (this.noted.has(username) || this.noted.size >= MAX_NAMES) return false;
    this.noted.set(username, now);
    return true;
  }
}
