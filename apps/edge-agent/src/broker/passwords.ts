import { createHash } from 'node:crypto';
import { verifyPassword } from '@selvage/pki';
import type { Clock } from '@selvage/reconcile';

const MAX_KNOWN = 1_000;
const MAX_WAITING = 64;
const FIRST_REST_MS = 1_000;
const LONGEST_REST_MS = 60_000;
const MAX_RESTING = 10_000;

interface Rest {
  readonly failures: number;
  readonly until: number;
}

/**
 * Checks passwords. A check costs a tenth of a second and 32 MB on purpose, so there is one at a time; what was right once is known by
 * its digest, so that clients that come back cost nothing; and a user name whose password was wrong rests, longer each time.
 */
export class Passwords {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #known = new Set<string>();
  readonly #resting = new Map<string, Rest>();
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  async isRight(username: string, password: Buffer, hash: string): Promise<boolean> {
    const digest = createHash('sha256')
      .update(JSON.stringify([username, hash]))
      .update(password)
      .digest('base64');
    if (this.#known.has(digest)) return true;
    const rest = this.#resting.get(username);
    if (this.#waiting >= MAX_WAITING || (rest !== undefined && rest.until > this.#clock.monotonic())) return false;
    const isRight = await this.#check(password.toString('utf8'), hash);
    if (isRight) this.#remember(digest, username);
    else this.#letRest(username);
    return isRight;
  }

  async #check(password: string, hash: string): Promise<boolean> {
    this.#waiting += 1;
    const checked = this.#last.then(() => verifyPassword(password, hash));
    this.#last = checked.catch(() => undefined);
    return checked.finally(() => {
      this.#waiting -= 1;
    });
  }

  #remember(digest: string, username: string): void {
    if (this.#known.size >= MAX_KNOWN) for (const oldest of [...this.#known].slice(0, 100)) this.#known.delete(oldest);
    this.#known.add(digest);
    this.#resting.delete(username);
  }

  #letRest(username: string): void {
    const failures = (this.#resting.get(username)?.failures ?? 0) + 1;
    const ms = Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** Math.min(failures - 1, 16));
    if (this.#resting.size >= MAX_RESTING) this.#resting.clear();
    this.#resting.set(username, { failures, until: this.#clock.monotonic() + ms });
  }
}
