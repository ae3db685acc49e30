/** What the broker counts, by a word each: it is shown, and never reset while the agent runs. */
export const counted = [
  'received',
  'sent',
  'publish_denied',
  'subscribe_denied',
  'connect_refused',
  'certificate_expired',
  'too_many_connections',
  'connect_rate',
  'too_many_subscriptions',
  'too_many_inflight',
  'malformed',
  'packet_too_large',
  'topic_too_long',
  'slow_client',
  'frozen_client',
  'queue_full',
  'queue_total_full',
  'retained_full',
  'sessions_full',
  'client_sessions_full',
  'not_stored',
] as const;
export type Counted = (typeof counted)[number];

export class Counters {
  readonly #counts = new Map<Counted, number>(counted.map((what) => [what, 0]));

  add(what: Counted, by = 1): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + by);
  }

  get all(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }
}
