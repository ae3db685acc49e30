import { EdgeError, type ErrorCode } from '@selvage/protocol';

/** What was asked of the engine: decides what an answer such as "not found" means. */
export type Operation =
  'info' | 'list' | 'inspect' | 'create' | 'start' | 'stop' | 'remove' | 'pull' | 'logs' | 'events' | 'volume';

/** A request that failed: by an answer with a status, or without an answer by an errno (`ENOENT`) or `TimeoutError`. */
export interface EngineFailure {
  readonly operation: Operation;
  /** Container, image or volume that the request was about. */
  readonly subject?: string;
  readonly status?: number;
  readonly code?: string;
  readonly message: string;
}

interface Rule {
  readonly only?: Operation;
  readonly says: RegExp;
  readonly code: ErrorCode;
}

/** First match wins. The texts are those of Docker 20.10 to 29 and of the registries behind it. */
const rules: readonly Rule[] = [
  { says: /no space left on device|disk quota exceeded|not enough space/i, code: 'out_of_disk' },
  {
    says: /no matching manifest for|does not match the specified platform|image operating system .* cannot be used/i,
    code: 'arch_mismatch',
  },
  { says: /exec format error/i, code: 'arch_mismatch' },
  { only: 'start', says: /port is already allocated|address already in use/i, code: 'port_taken' },
  { only: 'create', says: /container name .* is already in use/i, code: 'already_exists' },
  { only: 'volume', says: /volume is in use/i, code: 'in_use' },
  { only: 'pull', says: /./s, code: 'image_pull_failed' },
  { only: 'start', says: /./s, code: 'start_failed' },
];

const NO_SOCKET = 'its socket does not exist';

/** Why there was no answer at all, in words. */
const silence: Readonly<Record<string, string>> = {
  ENOENT: NO_SOCKET,
  ECONNREFUSED: 'nothing listens on its socket',
  EACCES: 'the agent may not open its socket',
  ECONNRESET: 'it closed the connection',
  EPIPE: 'it closed the connection',
  TimeoutError: 'it did not answer in time',
  AbortError: 'the request was given up',
  ABORT_ERR: 'the request was given up',
};

/** A failed request as an error of the catalogue, with the engine's or the registry's own words as detail. */
export function engineError(failure: EngineFailure): EdgeError {
  if (failure.status === undefined) return unanswered(failure);
  const rule = rules.find(
    ({ only, says }) => (only ?? failure.operation) === failure.operation && says.test(failure.message),
  );
  const subject = failure.subject === undefined ? '' : `${failure.subject}: `;
  return new EdgeError(rule?.code ?? 'docker_error', bounded(`${subject}${failure.message.trim()}`));
}

function unanswered({ operation, code, message }: EngineFailure): EdgeError {
  const why = silence[code ?? ''] ?? (message === '' ? 'no reason was given' : message);
  return new EdgeError('docker_unavailable', bounded(`The Docker engine gave no answer to "${operation}": ${why}.`));
}

/** Whether there is no engine at all, rather than one that does not answer. */
export function socketIsMissing({ code, detail }: EdgeError): boolean {
  return code === 'docker_unavailable' && detail.includes(NO_SOCKET);
}

/**
 * Whether a pull failed because the registry could not be reached or was out of order, so that an image that is here may serve instead.
 * A registry that answers "no such image" or "not allowed" is not unreachable.
 */
export function registryUnreachable(error: unknown): boolean {
  return error instanceof EdgeError && error.code === 'image_pull_failed' && UNREACHABLE.test(error.detail);
}

const UNREACHABLE =
  /dial tcp|no such host|i\/o timeout|connection (refused|reset)|TLS handshake timeout|network is unreachable|no route to host|deadline exceeded|Client\.Timeout|: EOF|HTTP status: 5\d\d|no progress for/i;

function bounded(words: string): string {
  // The hub takes no report with a NUL in it.
  const text = words.replaceAll('\0', '');
  return text.length <= 1500 ? text : `${text.slice(0, 1500)}…`;
}
