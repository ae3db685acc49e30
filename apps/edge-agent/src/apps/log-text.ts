import type { LogPiece } from '../docker/index.js';

const NEWLINE = 0x0a;

/** Turns pieces of log into text, each line with its moment if asked, and remembers where the log was left. */
export class LogText {
  readonly #timestamps: boolean;
  /** Moment of the last record that was taken; those of a moment before it were seen already. */
  #last = '';
  /** Moment at which the log was taken up again: what is not newer is left out. */
  #from = '';
  #skipping = false;
  #lineStart = true;

  constructor(timestamps: boolean) {
    this.#timestamps = timestamps;
  }

  /** Where to go on after an interruption, for the engine; `start` when there was no record yet. */
  goOn(start: string): { since: string } {
    this.#from = this.#last;
    this.#skipping = false;
    return { since: this.#last === '' ? start : unixTime(this.#last) };
  }

  /** The text of some pieces, in order. */
  take(pieces: readonly LogPiece[]): Buffer {
    return Buffer.concat(pieces.flatMap((piece) => this.#lines(piece)));
  }

  #lines({ at, bytes }: LogPiece): Uint8Array[] {
    if (at !== undefined) this.#begin(at);
    if (this.#skipping || bytes.length === 0) return [];
    const prefix = this.#timestamps && at !== undefined && this.#lineStart ? [Buffer.from(`${at} `)] : [];
    this.#lineStart = bytes.at(-1) === NEWLINE;
    return [...prefix, bytes];
  }

  #begin(at: string): void {
    this.#skipping = at !== '' && this.#from !== '' && at <= this.#from;
    if (!this.#skipping && at !== '') this.#last = at;
  }
}

/** `seconds.nanoseconds` of a moment like `2026-11-24T10:56:13.123456789Z`. */
function unixTime(moment: string): string {
  const nanos = /\.(\d{1,9})/.exec(moment)?.[1] ?? '0';
  return `${Math.floor(Date.parse(moment) / 1000)}.${nanos.padEnd(9, '0')}`;
}
