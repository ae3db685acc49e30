import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request, type RequestOptions } from 'node:https';
import type { SecureContext } from 'node:tls';
import { createCsr, newKeyPair } from '@selvage/pki';
import { enrolment } from '@selvage/protocol';
import type { LinkIdentity } from '../../../apps/edge-agent/src/link/index.js';
import type { Recruit } from './orders.js';

/** Everything that an enrolment needs but the hub. */
export interface Application extends Recruit {
  readonly key: string;
  readonly csr: string;
}

const DEADLINE_MS = 60_000;
const TRIES = 5;

export async function apply(recruit: Recruit): Promise<Application> {
  const pair = await newKeyPair();
  const key = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { ...recruit, key, csr: await createCsr(pair) };
}

/** `POST /join` over a TLS connection of its own, as an agent does it. */
export async function enrol(
  { token, csr, key }: Application,
  hubUrl: string,
  trust: SecureContext,
): Promise<LinkIdentity> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { chain, ca } = enrolment.join.answer.parse(
        await post(new URL(enrolment.join.path, hubUrl), trust, { token, csr }),
      );
      return { key, chain, ca };
    } catch (error) {
      if (attempt === TRIES) throw error;
    }
  }
}

async function post(url: URL, secureContext: SecureContext, body: object): Promise<unknown> {
  const bytes = Buffer.from(JSON.stringify(body));
  const headers = { 'content-type': 'application/json', 'content-length': bytes.length };
  const options = { method: 'POST', agent: false, headers, secureContext, timeout: DEADLINE_MS } as RequestOptions & {
    secureContext: SecureContext;
  };
  const asked = request(url, options);
  asked.on('timeout', () => asked.destroy(new Error('no answer to /join in time')));
  asked.end(bytes);
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  if (response.statusCode !== 200) throw new Error(`/join answered ${response.statusCode ?? 0}: ${text}`);
  return JSON.parse(text);
}

/** Runs over all items, so many at once. */
export async function eachOf<T>(items: readonly T[], atOnce: number, run: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  const lane = async (): Promise<void> => {
    for (const item of rest) await run(item);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}
