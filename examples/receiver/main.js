/** Receives webhooks: checks who signed them, prints each once, and refuses what is no JSON. Node and nothing else. */
import { Buffer } from 'node:buffer';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import process from 'node:process';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: {
    port: { type: 'string', default: '9000' },
    /** The property `signing` of the endpoint's secret; without it nothing is checked. */
    signing: { type: 'string' },
    /** Takes any payload, not only JSON. */
    any: { type: 'boolean', default: false },
  },
});
const MAX_BODY = 1024 * 1024;
const MAX_AGE_SECONDS = 300;
const MAX_KNOWN = 10_000;
/** @param {string} words */
const say = (words) => process.stdout.write(`${words}\n`);
/** Ids of messages that were here. Somebody who may not take one twice keeps them on a disk, with what came of them. */
const known = new Set();

const server = createServer((request, response) => {
  receive(request).then(
    ([status, words]) => response.writeHead(status, { 'content-type': 'text/plain' }).end(words),
    (/** @type {unknown} */ error) => {
      say(`broken off: ${error instanceof Error ? error.message : String(error)}`);
      response.destroy();
    },
  );
});
server.listen(Number(options.port), '127.0.0.1', () => say(`listening on http://127.0.0.1:${options.port}/`));
for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => {
    server.close();
    server.closeAllConnections();
  });

/**
 * @param {import('node:http').IncomingMessage} request
 * @returns {Promise<[status: number, words: string]>}
 */
async function receive(request) {
  if (request.method !== 'POST') return [request.method === 'HEAD' ? 204 : 405, ''];
  const body = await bodyOf(request);
  if (body === undefined) return [413, 'too large'];
  const [id, topic] = [textOf(request, 'webhook-id'), textOf(request, 'selvage-topic')];
  const problem = options.signing === undefined ? undefined : problemWith(options.signing, request, body);
  if (problem !== undefined) {
    say(`refused: ${problem}`);
    return [401, problem];
  }
  const text = body.toString('utf8');
  if (!options.any && !isJson(text)) {
    say(`refused: not JSON: ${text}`);
    return [422, 'not JSON'];
  }
  say(`${known.has(id) ? 'again: ' : ''}${topic} ${text}`);
  if (known.size >= MAX_KNOWN) known.clear();
  known.add(id);
  return [204, ''];
}

/** @param {import('node:http').IncomingMessage} request */
async function bodyOf(request) {
  /** @type {Buffer[]} */
  const chunks = [];
  let length = 0;
  for await (const chunk of /** @type {AsyncIterable<Buffer>} */ (request)) {
    length += chunk.length;
    if (length > MAX_BODY) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/**
 * What is wrong with the signature, as the Standard Webhooks specification checks it; undefined when nothing is.
 * @param {string} secret
 * @param {import('node:http').IncomingMessage} request
 * @param {Buffer} body
 */
function problemWith(secret, request, body) {
  const [id, timestamp] = [textOf(request, 'webhook-id'), textOf(request, 'webhook-timestamp')];
  const age = Math.abs(Date.now() / 1000 - Number(timestamp));
  if (!(age <= MAX_AGE_SECONDS)) return 'the time of the signature is not now';
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : secret;
  const wanted = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest();
  const isRight = textOf(request, 'webhook-signature')
    .split(' ')
    .some((one) => {
      const [version, signature = ''] = one.split(',');
      const bytes = Buffer.from(signature, 'base64');
      return version === 'v1' && bytes.length === wanted.length && timingSafeEqual(bytes, wanted);
    });
  return isRight ? undefined : 'the signature is not right';
}

/**
 * @param {import('node:http').IncomingMessage} request
 * @param {string} name
 */
function textOf({ headers }, name) {
  const value = headers[name];
  return typeof value === 'string' ? value : '';
}

/** @param {string} text */
function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
