import { createHash } from 'node:crypto';
import { verifyPassword } from '@selvage/pki';
import type { Clock } from '@selvage/reconcile';
import { LoginRest } from './login-rest.js';

const MAX_KNOWN = 1_000;
/** Checks that may wait, and those of one address among them. */
const MAX_WAITING = 64;
const MAX_WAITING_PER_SOURCE = 32;

/** A password as it was shown, and where it came from. */
export interface Shown {
  readonly username: string;
  readonly password: Buffer;
  readonly source: string;
}

/**
 * Checks passwords. A check costs a tenth of a second and 32 MB on purpose, so there is one at a time, and no address has all of them;
 * what was right once is known by its digest, so that clients that come back cost nothing; and whoever was wrong rests.
 */
export class Passwords {
  readonly #known = new Set<string>();
  readonly #rest: LoginRest;
  readonly #waiting = new Map<string, number>();
  #last: Promise<unknown> = Promise.resolve();
  #waitingCount = 0;

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#rest = new LoginRest(clock);
  }

  async isRight({ username, password, source }: Shown, hash: string): Promise<boolean> {
    const digest = createHash('sha256')
      .update(JSON.stringify([username, hash]))
      .update(password)
      .digest('base64');
    if (this.#known.has(digest)) return true;
    if (!this.#hasRoomFor(source) || this.#rest.isResting(username, source)) return false;
    const isRight = await this.#inTurn(source, async () => {
      // While it waited, others of the same name may have shown that the address guesses.
      if (this.#rest.isResting(username, source)) return undefined;
      return await verifyPassword(password.toString('utf8'), hash);
    });
    if (isRight === true) {
      this.#remember(digest);
      this.#rest.wasRight(username, source);
    } else if (isRight === false) this.#rest.wasWrong(username, source);
    return isRight === true;
  }

  #hasRoomFor(source: string): boolean {
    return this.#waitingCount < MAX_WAITING && (this.#waiting.get(source) ?? 0) < MAX_WAITING_PER_SOURCE;
  }

  async #inTurn<T>(source: string, check: () => Promise<T>): Promise<T> {
    this.#wait(source, 1);
    const checked = this.#last.then(check);
    this.#last = checked.catch(() => undefined);
    return checked.finally(() => {
      this.#wait(source, -1);
    });
  }

  #wait(source: string, by: 1 | -1): void {
    this.#waitingCount += by;
    const waiting = (this.#waiting.get(source) ?? 0) + by;
    if (waiting > 0) this.#waiting.set(source, waiting);
    else this.#waiting.delete(source);
  }

  #remember(digest: string): void {
    if (this.#known.size >= MAX_KNOWN) for (const oldest of [...this.#known].slice(0, 100)) this.#known.delete(oldest);
    this.#known.add(digest);
  }
}
