/** What other programs' errors mean, in the words of the one catalogue. */
import { EdgeError, type ErrorCode } from '@selvage/protocol';

/** Why a connection ended or was never made. `isRefusal`: trying again will not help until somebody changes something. */
export interface Ended {
  readonly reason: EdgeError;
  readonly isRefusal: boolean;
}

/** How the device proves who it is. */
export type Proof = 'certificate' | 'password' | 'none';

const REFUSED: Record<Proof, [ErrorCode, string]> = {
  certificate: ['certificate_invalid', 'The node does not admit this certificate: bind the device to the node first.'],
  password: ['wrong_password', 'The node does not admit this user name and password.'],
  none: ['unauthenticated', 'The node wants a certificate, or a user name and password.'],
};
const TLS = /^(ERR_TLS|ERR_SSL|ERR_OSSL|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO|CERT_|HOSTNAME_MISMATCH|INVALID_CA|EPROTO)/;
const ANSWERS: Record<number, ErrorCode> = {
  400: 'bad_request',
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
  413: 'body_too_large',
  429: 'too_many_requests',
  503: 'overloaded',
};

/** Reads why a connection ended. `peer` is where it went, without credentials. */
export function ended(cause: unknown, peer: string, proof: Proof): Ended {
  const code = codeOf(cause);
  const words = wordsOf(cause);
  if (code === 4 || code === 5) {
    const [refusal, detail] = REFUSED[proof];
    return { reason: new EdgeError(refusal, `${detail} (${peer})`, { cause }), isRefusal: true };
  }
  if (code === 1 || code === 2) {
    const detail = `${peer} refuses the client: ${words}.`;
    return { reason: new EdgeError('forbidden', detail, { cause }), isRefusal: true };
  }
  if (typeof code === 'string' && TLS.test(code)) {
    const detail = `No TLS with ${peer}: ${words} (${code}). Check the certificate, its key and the authority.`;
    return { reason: new EdgeError('certificate_invalid', detail, { cause }), isRefusal: true };
  }
  // A TLS server that does not know a certificate may just hang up.
  const isHungUp = proof === 'certificate' && (code === undefined || code === 'ECONNRESET' || code === 'EPIPE');
  const hint = isHungUp ? ' If others can connect, the node does not admit this certificate.' : '';
  const detail = `No connection with the broker at ${peer}: ${words}. It is tried again.${hint}`;
  return { reason: new EdgeError('node_offline', detail, { cause }), isRefusal: false };
}

/** The error that a node's answer tells; undefined when the answer is no failure. */
export function failureOf(answer: unknown): EdgeError | undefined {
  if (typeof answer !== 'object' || answer === null || !('code' in answer)) return undefined;
  const { code } = answer;
  if (typeof code !== 'number' || code < 300) return undefined;
  const reason =
    'reason' in answer && typeof answer.reason === 'string' ? answer.reason.slice(0, 512) : 'no reason given';
  const hint = code === 404 ? ' Bind the device to this node first.' : '';
  return new EdgeError(ANSWERS[code] ?? 'internal', `The node answered ${code}: ${reason}.${hint}`);
}

function codeOf(cause: unknown): unknown {
  return typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;
}

function wordsOf(cause: unknown): string {
  if (cause instanceof AggregateError && cause.message === '') return cause.errors.map(wordsOf).join(', ');
  if (cause instanceof Error) return cause.message;
  return typeof cause === 'string' ? cause : 'the connection was closed';
}
