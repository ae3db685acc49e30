/** Why an outbox does not take a message. */
export type RefusalCode =
  /** The lane's or the whole outbox's budget is used up, and nothing may be dropped for it. */
  | 'full'
  /** It is larger than a message may be, or than its lane's whole budget. */
  | 'too_large'
  /** The disk does not keep up. */
  | 'busy'
  /** The last try to write failed. */
  | 'unavailable'
  | 'closed';

/** A message was not taken: whoever sent it must not be told that it was. */
export class OutboxRefusal extends Error {
  override readonly name = 'OutboxRefusal';

  constructor(
    readonly code: RefusalCode,
    detail: string,
    options?: ErrorOptions,
  ) {
    super(detail, options);
  }
}
