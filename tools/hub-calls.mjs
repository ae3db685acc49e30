/** The few calls that `npm start` makes to its own hub. Plain Node, since nothing may be built yet when it is loaded. */
import { createHash, X509Certificate } from 'node:crypto';

const DEADLINE_MS = 10_000;
const NODE = '/api/v1/projects/default/nodes/local';

/** An answer of the hub that is no success. */
export class Refused extends Error {
  constructor({ code, message, detail }) {
    super(`${message} ${detail}`.trim());
    this.code = code;
  }
}

/** @returns {Promise<boolean>} whether the hub there is ready; one that does not answer is not */
export async function isReady(url) {
  try {
    const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(DEADLINE_MS) });
    await answer.arrayBuffer();
    return answer.ok;
  } catch (error) {
    if (error instanceof TypeError || error.name === 'TimeoutError') return false;
    throw error;
  }
}

/**
 * Logs in; gives what a logged-in user can do here.
 * @throws Refused `wrong_password`
 */
export async function logIn(url, password) {
  const { token } = await call(url, { method: 'POST', path: '/api/v1/login', body: { username: 'admin', password } });
  return {
    token,
    /** The node `local`; undefined when the hub has none. */
    node: async () => {
      try {
        return await call(url, { method: 'GET', path: NODE, token });
      } catch (error) {
        if (error instanceof Refused && error.code === 'not_found') return undefined;
        throw error;
      }
    },
    joinToken: async () =>
      (await call(url, { method: 'POST', path: `${NODE}/join-token`, token, body: { ttlSeconds: 300 } })).token,
    logOut: () => call(url, { method: 'POST', path: '/api/v1/logout', token }),
  };
}

/** SHA-256 of the root certificate of the hub at a TLS port, and of those in a PEM text, hexadecimal. */
export async function rootHashAt(host, port) {
  const answer = await fetch(`http://${host}:${port}/ca.pem`, { signal: AbortSignal.timeout(DEADLINE_MS) });
  return hashesIn(await answer.text())[0];
}

export function hashesIn(pem) {
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return certificates.map((one) => createHash('sha256').update(new X509Certificate(one).raw).digest('hex'));
}

async function call(url, { method, path, token, body }) {
  const headers = {
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...(body !== undefined && { 'content-type': 'application/json' }),
  };
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const answer = await fetch(url + path, { method, headers, signal, body: body && JSON.stringify(body) });
  const text = await answer.text();
  const value = text === '' ? undefined : JSON.parse(text);
  if (answer.ok) return value;
  throw new Refused(value ?? { code: 'internal', message: `${method} ${path}: ${answer.status}`, detail: '' });
}
