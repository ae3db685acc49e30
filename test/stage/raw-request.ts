import { type IncomingMessage, request } from 'node:http';

export interface RawRequest {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** As it is: text that need not be JSON. */
  readonly body?: string;
}

export interface RawAnswer {
  readonly status: number;
  /** The body; `{}` for one that is not JSON. */
  readonly body: Readonly<Record<string, unknown>>;
}

/**
 * Asks a hub what no client of ours would send, and reads the answer also when it comes before all was sent. An answer that never ends
 * is cut after its head.
 */
export function rawRequest(url: string, { method, path, headers, body }: RawRequest): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const asked = request(new URL(path, url), { method, headers: { ...headers }, agent: false, timeout: 30_000 });
    asked.once('response', (answer) => {
      const endless = answer.headers['content-type']?.startsWith('text/event-stream') === true;
      if (endless) answer.destroy();
      const text = endless ? Promise.resolve('') : textOf(answer);
      text.then((all) => {
        resolve({ status: answer.statusCode ?? 0, body: json(all) });
      }, reject);
    });
    asked.once('timeout', () => asked.destroy(new Error(`no answer to ${method} ${path}`)));
    // After an early answer the rest of a body finds nobody: then the promise is settled already.
    asked.on('error', reject);
    asked.end(body);
  });
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: string[] = [];
  answer.setEncoding('utf8');
  for await (const chunk of answer) chunks.push(String(chunk));
  return chunks.join('');
}

function json(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}
