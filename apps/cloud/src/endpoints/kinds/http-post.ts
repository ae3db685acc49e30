import { Agent as HttpAgent, type IncomingMessage, request as httpRequest, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { setMaxListeners } from 'node:events';
import { EdgeError } from '@selvage/protocol';
import { wordsOf } from './away.js';
import type { Reach } from './reach.js';

const MAX_ANSWER = 64 * 1024;

/** What the other side said. `body` is cut to 64 KiB. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface HttpCall {
  readonly method: 'DELETE' | 'HEAD' | 'POST' | 'PUT';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** HTTP to endpoints: connections are kept, addresses are looked at, redirects are not followed. */
export class HttpDoor {
  private readonly agents: { readonly http: HttpAgent; readonly https: HttpsAgent };

  constructor(
    private readonly reach: Reach,
    ca: string | undefined,
  ) {
    const common = { keepAlive: true, maxSockets: 64, scheduling: 'lifo' } as const;
    this.agents = {
      http: new HttpAgent(common),
      https: new HttpsAgent({ ...common, minVersion: 'TLSv1.2', ...(ca !== undefined && { ca }) }),
    };
  }

  close(): void {
    this.agents.http.destroy();
    this.agents.https.destroy();
  }

  /** One request, once. @throws EdgeError `target_refused`, `deadline_exceeded`, `endpoint_failed` when there was no whole answer. */
  async call({ method, url, headers, body, timeoutMs, signal }: HttpCall): Promise<HttpAnswer> {
    this.reach.checkHost(url.hostname);
    const timeout = new AbortController();
    const timer = setTimeout(() => {
      timeout.abort();
    }, timeoutMs);
    const stop = (): void => {
      timeout.abort();
    };
    // As many as there are requests: each takes its own away.
    setMaxListeners(0, signal);
    signal.addEventListener('abort', stop, { once: true });
    const options = { method, headers: { ...headers, 'content-length': String(body?.byteLength ?? 0) } };
    try {
      return await this.once(url, { ...options, lookup: this.reach.lookup, signal: timeout.signal }, body);
    } catch (cause) {
      throw asEdgeError(cause, { url, timedOut: timeout.signal.aborted && !signal.aborted, timeoutMs });
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
    }
  }

  private once(url: URL, options: RequestOptions, body: Uint8Array | undefined): Promise<HttpAnswer> {
    const secure = url.protocol === 'https:';
    return new Promise((resolve, reject) => {
      const request = secure
        ? httpsRequest(url, { ...options, agent: this.agents.https })
        : httpRequest(url, { ...options, agent: this.agents.http });
      request.on('error', (error) => {
        // The other side had closed a connection that was kept: a new one tells whether it is there.
        const again = request.reusedSocket && 'code' in error && error.code === 'ECONNRESET';
        if (again) resolve(this.once(url, options, body));
        else reject(error);
      });
      request.once('response', (response) => {
        read(response).then(resolve, reject);
      });
      request.end(body);
    });
  }
}

async function read(response: IncomingMessage): Promise<HttpAnswer> {
  const chunks: Buffer[] = [];
  let room = MAX_ANSWER;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk.subarray(0, room));
    room -= chunk.byteLength;
    // Leaving the loop closes the connection: what more there is does not come.
    if (room <= 0) break;
  }
  const { statusCode = 0, headers } = response;
  return { status: statusCode, headers, body: Buffer.concat(chunks).toString('utf8') };
}

function asEdgeError(
  cause: unknown,
  { url, timedOut, timeoutMs }: { url: URL; timedOut: boolean; timeoutMs: number },
): EdgeError {
  if (cause instanceof EdgeError) return cause;
  if (timedOut) return new EdgeError('deadline_exceeded', `${url.host} did not answer in ${timeoutMs / 1000} s.`);
  return new EdgeError('endpoint_failed', `${url.host}: ${wordsOf(cause)}`, { cause });
}
