import { Injectable } from '@nestjs/common';
import { type Clock, systemClock } from '@selvage/reconcile';
import { EdgeError } from '@selvage/protocol';

/** `perSecond` requests on average, `burst` at once. */
interface Allowance {
  readonly perSecond: number;
  readonly burst: number;
}

const PUBLIC: Allowance = { perSecond: 2, burst: 30 };
const KNOWN: Allowance = { perSecond: 500, burst: 5000 };
const MAX_BUCKETS = 10_000;

/** Tells a caller who asks too often when to come back. */
export class TooManyRequests extends EdgeError {
  constructor(readonly retryAfterSeconds: number) {
    super('too_many_requests', `Come back in ${retryAfterSeconds} s.`);
  }
}

/** Token buckets, one per address for what needs no login and one per API token for the rest. Bounded: the oldest is forgotten. */
@Injectable()
export class RateLimit {
  private readonly buckets = new Map<string, { left: number; at: number }>();
  private readonly clock: Clock = systemClock;

  public(address: string): void {
    this.take(`address ${address}`, PUBLIC);
  }

  known(tokenId: string): void {
    this.take(`token ${tokenId}`, KNOWN);
  }

  private take(key: string, { perSecond, burst }: Allowance): void {
    const now = this.clock.monotonic();
    const { left, at } = this.buckets.get(key) ?? { left: burst, at: now };
    const filled = Math.min(burst, left + ((now - at) / 1000) * perSecond);
    this.buckets.delete(key);
    this.buckets.set(key, { left: Math.max(0, filled - 1), at: now });
    if (this.buckets.size > MAX_BUCKETS) this.forgetOldest();
    if (filled < 1) throw new TooManyRequests(Math.ceil((1 - filled) / perSecond));
  }

  private forgetOldest(): void {
    for (const key of this.buckets.keys()) {
      this.buckets.delete(key);
      return;
    }
  }
}
