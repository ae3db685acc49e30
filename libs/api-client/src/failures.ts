import { EdgeError, errorBody, isErrorCode } from '@selvage/protocol';

const OTHER_PORT = 'the API is on the other port, 8080 unless changed.';
const UNTRUSTED = `its certificate comes from an authority that is not trusted here. If this is the port of the nodes: ${OTHER_PORT}`;

/** What is known of a failure below HTTP, by the code that Node gives it: what happened and what to do. */
const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there. Is the hub running, and is the URL right?',
  ENOTFOUND: 'the host name is not known. Is the URL right?',
  EAI_AGAIN: 'the host name could not be looked up; the name server did not answer.',
  ECONNRESET: 'the connection was closed before the answer came.',
  UND_ERR_SOCKET: 'the connection was closed before the answer came.',
  ETIMEDOUT: 'the machine did not answer. Is it up, and does a firewall stand between?',
  UND_ERR_CONNECT_TIMEOUT: 'the machine did not answer. Is it up, and does a firewall stand between?',
  UND_ERR_BODY_TIMEOUT: 'nothing came over the connection for some minutes.',
  EHOSTUNREACH: 'there is no way to the machine from here.',
  ENETUNREACH: 'there is no way to its network from here.',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by itself, not by an authority that is trusted here.',
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  CERT_HAS_EXPIRED: 'its certificate has expired.',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name.',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS there. Try http:// instead of https://.',
  EPROTO: 'it does not speak TLS there. Try http:// instead of https://.',
};
const MAX_SHOWN = 200;

/** An error of `fetch` or of a body that broke off, in words. What is an `EdgeError` already stays what it is. */
export function unreachable(url: string, thrown: unknown): EdgeError {
  if (thrown instanceof EdgeError) return thrown;
  const cause = thrown instanceof Error && thrown.cause !== undefined ? thrown.cause : thrown;
  const code = codeOf(cause);
  if (code.startsWith('HPE_')) return notTheApi(url, 'what answers there does not speak HTTP');
  const reason = REASONS[code] ?? messageOf(cause);
  return new EdgeError('hub_unreachable', `${url}: ${reason}`, { cause: thrown });
}

/** An answer that is no success, as the error that the hub meant. */
export function refusal(url: string, status: number, text: string): EdgeError {
  const parsed = errorBody.safeParse(jsonOf(text));
  if (!parsed.success) return strange(url, status, text);
  const { code, message, detail, requestId } = parsed.data;
  if (!isErrorCode(code)) return new EdgeError('internal', `The hub said "${code}": ${message} ${detail}`.trim());
  if (code !== 'internal') return new EdgeError(code, detail);
  return new EdgeError('internal', `${detail} The hub's log has it under request ${requestId}.`.trim());
}

/** The JSON value of a text, undefined for a text that is none. */
export function jsonOf(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Somebody who is not the hub has answered: a proxy whose hub is down, or another server. */
function strange(url: string, status: number, text: string): EdgeError {
  const said = text.replace(/\s+/g, ' ').trim().slice(0, MAX_SHOWN);
  const words = said === '' ? `HTTP ${status}` : `HTTP ${status}: ${said}`;
  if (status === 502 || status === 503 || status === 504)
    return new EdgeError('hub_unreachable', `${url}: the answer is not one of a hub (${words}).`);
  return notTheApi(url, words);
}

/** Something else than the API has answered, in these words. */
export function notTheApi(url: string, words: string): EdgeError {
  return new EdgeError('hub_unreachable', `${url}: this is not the API of a hub (${words}); ${OTHER_PORT}`);
}

function codeOf(cause: unknown): string {
  const code: unknown = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;
  return typeof code === 'string' ? code : '';
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
