import * as http from 'node:http';
import * as https from 'node:https';
import { CA_PATH, EdgeError, type ErrorCode, isErrorCode } from '@selvage/protocol';
import { checkHub } from '@selvage/pki';
import { z } from 'zod';

const DEADLINE_MS = 30_000;
const MAX_ANSWER = 256 * 1024;

const failure = z.object({ code: z.string(), detail: z.string().default('') });

/** What the hub answers, a question put to it. `ca` is the only authority that is trusted, PEM. */
export interface Question {
  readonly hubUrl: string;
  readonly path: string;
  readonly ca: string;
  readonly body: object;
}

/**
 * The hub's authority, PEM, fetched in clear text: nothing is said, and nothing of it is to be believed before its hash was compared.
 * @throws EdgeError `hub_unreachable`.
 */
export async function fetchCa(hubUrl: string): Promise<string> {
  const url = new URL(CA_PATH, hubUrl);
  const port = url.port === '' ? '443' : url.port;
  const request = http.request({ ...place(url), port, method: 'GET', path: url.pathname, agent: false });
  const { status, text } = await exchange(request, hubUrl);
  if (status === 200) return text;
  throw new EdgeError('hub_unreachable', `${hubUrl} answers, but not as a hub (status ${status}); check the address.`);
}

/**
 * Posts JSON to the hub over TLS: the certificate must be of `ca` and name the host.
 * @throws EdgeError the hub's own, `hub_unreachable`, or `certificate_invalid` when the hub's certificate does not hold.
 */
export async function post<T>(question: Question, schema: z.ZodType<T>): Promise<T> {
  const { hubUrl, path, ca, body } = question;
  const url = new URL(path, hubUrl);
  const bytes = Buffer.from(JSON.stringify(body), 'utf8');
  const headers = { 'content-type': 'application/json', 'content-length': bytes.length };
  const options = { ...place(url), port: url.port === '' ? '443' : url.port, path: url.pathname, agent: false };
  const tls = { ca, minVersion: 'TLSv1.2', checkServerIdentity: checkHub } as const;
  const request = https.request({ ...options, method: 'POST', headers, ...tls });
  const { status, text } = await exchange(request, hubUrl, bytes);
  const json = parseJson(text);
  if (status !== 200 && status !== 201) throw refusal(status, json);
  const answer = schema.safeParse(json);
  if (answer.success) return answer.data;
  throw new EdgeError('internal', `The hub's answer to ${path} has not the form it should have.`);
}

/** IPv6 addresses stand in brackets in a URL and nowhere else. */
function place(url: URL): { readonly hostname: string } {
  return { hostname: url.hostname.replace(/^\[|\]$/g, '') };
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function exchange(request: http.ClientRequest, hubUrl: string, body?: Buffer): Promise<Answer> {
  const timer = setTimeout(() => {
    request.destroy(new Error(`no answer within ${DEADLINE_MS / 1000} seconds`));
  }, DEADLINE_MS);
  try {
    const response = await responseTo(request, body);
    return { status: response.statusCode ?? 0, text: await readText(response) };
  } catch (error) {
    throw unanswered(error, hubUrl);
  } finally {
    clearTimeout(timer);
    request.destroy();
  }
}

function responseTo(request: http.ClientRequest, body: Buffer | undefined): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.on('error', reject);
    request.once('response', resolve);
    request.end(body);
  });
}

async function readText(response: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    if (!Buffer.isBuffer(chunk)) continue;
    size += chunk.length;
    if (size > MAX_ANSWER) throw new Error(`its answer is larger than ${MAX_ANSWER} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function unanswered(cause: unknown, hubUrl: string): EdgeError {
  const why = cause instanceof Error ? cause.message || codeOf(cause) : String(cause);
  if (isDistrust(codeOf(cause))) {
    const detail = `The certificate of ${hubUrl} does not hold: ${why}. Check the address, and the clock of this machine.`;
    return new EdgeError('certificate_invalid', detail, { cause });
  }
  return new EdgeError('hub_unreachable', `${hubUrl}: ${why}. Check the address, the network and that the hub runs.`, {
    cause,
  });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** Codes of OpenSSL and Node for a certificate that was looked at and found wanting. */
function isDistrust(code: string): boolean {
  return /^(CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|INVALID_CA|INVALID_PURPOSE|ERR_TLS_CERT)/.test(code);
}

function refusal(status: number, json: unknown): EdgeError {
  const said = failure.safeParse(json);
  const code: ErrorCode = said.success && isErrorCode(said.data.code) ? said.data.code : 'hub_unreachable';
  const detail = said.success ? said.data.detail : `It answered with status ${status}.`;
  return new EdgeError(code, detail);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
