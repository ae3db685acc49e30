import { EdgeError } from '@selvage/protocol';

/** The body of an answer piece by piece. Stops reading when whoever asks stops asking. */
export async function* chunksOf(response: Response): AsyncGenerator<Uint8Array, void, undefined> {
  if (response.body === null) return;
  const reader = response.body.getReader();
  let finished = false;
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
    finished = true;
  } finally {
    if (!finished) await reader.cancel().catch(ignoreBroken);
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
export async function textOf(response: Response, limit: number): Promise<string> {
  const decoder = new TextDecoder();
  let [text, bytes] = ['', 0];
  for await (const chunk of chunksOf(response)) {
    bytes += chunk.byteLength;
    if (bytes > limit)
      throw new EdgeError('body_too_large', `The hub's answer is longer than ${limit} bytes; ask for fewer at a time.`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
