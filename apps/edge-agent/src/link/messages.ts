import { type Outbox, type Reason, Stream, type Taken } from '@selvage/outbox';
import { type DownFrame, frames, type UpFrame } from '@selvage/protocol';
import type { Clock } from '@selvage/reconcile';

const KIB = 1024;
/** Begins small, so that a slow link is not filled for minutes before it is known to be slow. */
const WINDOW = { start: 16 * KIB, least: 4 * KIB, most: frames.MESSAGE_WINDOW };
/** A frame holds more than one message only up to here: other frames do not stand behind it for long. */
const BATCH = { messages: 500, bytes: 128 * KIB };

/** What an outbox's messages may count for so that each fits into a frame. */
export const MAX_MESSAGE = frames.MAX_MESSAGE;

type Send = (frame: UpFrame) => void;
type Answer = Extract<DownFrame, { t: 'settled' | 'rejected' }>;

export interface MessageLinkOptions {
  readonly outbox: Outbox;
  readonly clock: Pick<Clock, 'monotonic'>;
}

/** Sends the outbox to the hub while there is a link, and forgets what the hub has stored. Nobody else drains this outbox. */
export class MessageLink {
  readonly #outbox: Outbox;
  readonly #stream: Stream;

  constructor({ outbox, clock }: MessageLinkOptions) {
    this.#outbox = outbox;
    this.#stream = new Stream({ outbox, clock, window: WINDOW, batch: BATCH });
  }

  /** The hub has greeted. */
  open(send: Send): void {
    this.#stream.open((batch) => {
      send({ t: 'messages', epoch: this.#outbox.epoch, items: batch.map(toItem) });
    });
  }

  /** The connection is gone. */
  close(): void {
    this.#stream.close();
  }

  /** What the hub said of messages. Of an outbox that is no more, nothing is known. */
  take(answer: Answer): void {
    if (answer.epoch !== this.#outbox.epoch) return;
    if (answer.t === 'settled') this.#stream.settled(answer.lane, answer.upTo);
    else this.#stream.rejected(answer.seq, reasonOf(answer));
  }
}

function toItem({ seq, lane, at, key, ttlMs, body }: Taken): frames.Message {
  return { seq, lane, at, body, ...(key !== undefined && { key }), ...(ttlMs !== undefined && { ttlMs }) };
}

function reasonOf({ code, detail }: Reason): Reason {
  return { code, detail };
}
