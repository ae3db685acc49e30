import { EdgeError, frames, isErrorCode } from '@selvage/protocol';

/** What a call needs of its link. */
export interface CallWire {
  credit(bytes: number): void;
  cancel(): void;
}

/** One call under way, as its caller sees it: chunks in order, and its end. Holds at most one window of bytes. */
export class OpenCall {
  private readonly chunks: Uint8Array[] = [];
  private credit = frames.CALL_WINDOW;
  private taken = 0;
  private over: { readonly error?: EdgeError } | undefined;
  private wake: (() => void) | undefined;

  constructor(private readonly wire: CallWire) {}

  /** Bytes came. @throws EdgeError `bad_request` when the node sent more than it may. */
  data(chunk: Uint8Array): void {
    // Nothing would count them.
    if (chunk.byteLength === 0) return;
    this.credit -= chunk.byteLength;
    if (this.credit < 0) throw new EdgeError('bad_request', 'A call sent more than its credit.');
    this.chunks.push(chunk);
    this.wake?.();
  }

  /** The answer is complete, or failed. */
  end(error?: EdgeError): void {
    this.over ??= error === undefined ? {} : { error };
    this.wake?.();
  }

  failed(code: string, detail: string): void {
    this.end(new EdgeError(isErrorCode(code) ? code : 'internal', detail));
  }

  /** Resolves when there is something to take or the call is over. */
  something(): Promise<void> {
    if (this.chunks.length > 0 || this.over !== undefined) return Promise.resolve();
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }

  /** The next chunk; undefined when the answer is complete. Gives the node credit for what was taken. @throws EdgeError of the node. */
  async next(): Promise<Uint8Array | undefined> {
    await this.something();
    const chunk = this.chunks.shift();
    if (chunk !== undefined) {
      this.giveCredit(chunk.byteLength);
      return chunk;
    }
    if (this.over?.error !== undefined) throw this.over.error;
    return undefined;
  }

  /** The caller wants no more, or waits no longer: the node is told, unless it had ended already. */
  giveUp(error = new EdgeError('call_cancelled', '')): void {
    if (this.over === undefined) this.wire.cancel();
    this.end(error);
  }

  private giveCredit(bytes: number): void {
    this.taken += bytes;
    if (this.taken < frames.CALL_WINDOW / 2 || this.over !== undefined) return;
    this.credit += this.taken;
    this.wire.credit(this.taken);
    this.taken = 0;
  }
}
