import { type Agent, type IncomingMessage, request } from 'node:http';
import { EdgeError } from '@selvage/protocol';
import type { Clock } from '@selvage/reconcile';

/** Where services of this node listen. */
const HOST = '127.0.0.1';

export interface HttpCall {
  readonly port: number;
  readonly method: string;
  readonly path: string;
  /** Name, value, name, value …; without `host` and `content-length`. */
  readonly headers: readonly string[];
  readonly body: Uint8Array;
  /** The answer's head must be there by then. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly clock: Pick<Clock, 'timer'>;
  /** Keeps connections; each call has its own unless given. */
  readonly agent?: Agent;
}

/**
 * Asks a service of this node, once. Resolves with the head of its answer; whoever gets it reads the body or destroys it.
 * @throws EdgeError `service_unreachable` when nobody listens there or the answer breaks off, `deadline_exceeded`, `call_cancelled`
 */
export function callService(call: HttpCall): Promise<IncomingMessage> {
  const { port, method, path, headers, body, timeoutMs, signal, clock, agent } = call;
  return new Promise((resolve, reject) => {
    const own = ['host', `${HOST}:${port}`, ...lengthOf(method, body)];
    const asked = request({ host: HOST, port, method, path, headers: [...own, ...headers], agent: agent ?? false });
    const stop = (error: EdgeError): void => {
      asked.destroy(error);
      reject(error);
    };
    const cancelled = (): void => {
      stop(new EdgeError('call_cancelled', 'It is not wanted any more.'));
    };
    const cancel = clock.timer(timeoutMs, () => {
      stop(new EdgeError('deadline_exceeded', `The service on port ${port} did not answer within ${timeoutMs} ms.`));
    });
    const done = (): void => {
      cancel();
      signal.removeEventListener('abort', cancelled);
    };
    asked.on('response', (answer) => {
      done();
      resolve(answer);
    });
    asked.on('error', (cause) => {
      done();
      reject(cause instanceof EdgeError ? cause : unreachable(port, cause));
    });
    signal.addEventListener('abort', cancelled, { once: true });
    if (signal.aborted) cancelled();
    asked.end(body);
  });
}

/** A request without a body says so only where one is expected. */
function lengthOf(method: string, { byteLength }: Uint8Array): string[] {
  const isBare = byteLength === 0 && (method === 'GET' || method === 'HEAD' || method === 'DELETE');
  return isBare ? [] : ['content-length', String(byteLength)];
}

/** Whether nobody listened: nothing was asked of anybody. */
export function isRefused(error: unknown): boolean {
  const cause = error instanceof EdgeError ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED';
}

function unreachable(port: number, cause: Error): EdgeError {
  const refused = 'code' in cause && cause.code === 'ECONNREFUSED';
  const detail = refused
    ? `Nothing listens on port ${port} of this node.`
    : `The service on port ${port} broke off: ${cause.message}`;
  return new EdgeError('service_unreachable', detail, { cause });
}
