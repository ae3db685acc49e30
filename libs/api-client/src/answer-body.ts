import { EdgeError } from '@selvage/protocol';

/**
 * The body of an answer piece by piece, until it ends or the signal is aborted. Stops reading when whoever asks stops asking.
 * It ends the body itself: the signal that was given to `fetch` may be lost when memory is collected (Node 20).
 */
export async function* chunksOf(response: Response, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
  if (response.body === null || signal.aborted) return;
  const reader = response.body.getReader();
  const cancel = (): Promise<void> => reader.cancel().catch(ignoreBroken);
  const onAbort = (): void => void cancel();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    signal.removeEventListener('abort', onAbort);
    await cancel();
  }
}

/** Cancelling a stream that broke fails with the error that its reader has had already. */
function ignoreBroken(): void {
  return undefined;
}

/**
 * The whole body as text.
 * @throws EdgeError `body_too_large` as soon as it is longer than `limit` bytes.
 */
export async function textOf(response: Response, limit: number, signal: AbortSignal): Promise<string> {
  const decoder = new TextDecoder();
  let [text, bytes] = ['', 0];
  for await (const chunk of chunksOf(response, signal)) {
    bytes += chunk.byteLength;
    if (bytes > limit)
      throw new EdgeError('body_too_large', `The hub's answer is longer than ${limit} bytes; ask for fewer at a time.`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
