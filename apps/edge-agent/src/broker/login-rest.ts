import type { Clock } from '@selvage/reconcile';

const FIRST_REST_MS = 1_000;
const LONGEST_REST_MS = 60_000;
const MAX_RESTING = 10_000;
/** Wrong passwords that one address may show, and how often it is forgiven one. */
const MAX_WRONG = 20;
const FORGIVEN_MS = 10_000;

interface Rest {
  readonly failures: number;
  readonly until: number;
}

/** Wrong passwords of one address, less those that are forgiven by now. */
interface Wrong {
  readonly count: number;
  readonly at: number;
}

/**
 * After a wrong password its user name rests, longer each time, but only for the address that showed it: nobody locks a device out
 * that comes from elsewhere. An address that shows many wrong passwords rests altogether, whatever names it tries.
 */
export class LoginRest {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #names = new Map<string, Rest>();
  readonly #addresses = new Map<string, Wrong>();

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  isResting(username: string, source: string): boolean {
    const rest = this.#names.get(keyOf(username, source));
    return (rest !== undefined && rest.until > this.#clock.monotonic()) || this.#wrongOf(source) >= MAX_WRONG;
  }

  wasWrong(username: string, source: string): void {
    const now = this.#clock.monotonic();
    const key = keyOf(username, source);
    const failures = (this.#names.get(key)?.failures ?? 0) + 1;
    const ms = Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** Math.min(failures - 1, 16));
    remember(this.#names, key, { failures, until: now + ms });
    remember(this.#addresses, source, { count: this.#wrongOf(source) + 1, at: now });
  }

  wasRight(username: string, source: string): void {
    this.#names.delete(keyOf(username, source));
  }

  #wrongOf(source: string): number {
    const wrong = this.#addresses.get(source);
    if (wrong === undefined) return 0;
    return Math.max(0, wrong.count - (this.#clock.monotonic() - wrong.at) / FORGIVEN_MS);
  }
}

/** Where an address counts as: of IPv6 the network of 64 bits, all of which one machine may have. */
export function sourceOf(address = ''): string {
  const [plain = ''] = address.replace(/^::ffff:(?=\d+\.)/i, '').split('%', 1);
  if (!plain.includes(':')) return plain;
  const [head = '', tail] = plain.split('::', 2);
  const groups = head.split(':').filter((group) => group !== '');
  const behind = tail?.split(':').filter((group) => group !== '').length ?? 0;
  const filled = tail === undefined ? groups : [...groups, ...Array<string>(8 - groups.length - behind).fill('0')];
  return filled.slice(0, 4).join(':');
}

function keyOf(username: string, source: string): string {
  return `${source} ${username}`;
}

/** The newest is last, and the oldest is forgotten when there are too many. */
function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  for (const oldest of map.keys()) {
    if (map.size < MAX_RESTING) break;
    map.delete(oldest);
  }
  map.set(key, value);
}
