import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EdgeError } from '@selvage/protocol';
import { FakeClock, until } from '@selvage/testkit';
import { afterEach, describe, expect, it } from 'vitest';
import { sendText } from './text-stream.js';

const clock = new FakeClock();
const broken: unknown[] = [];
const servers: Server[] = [];
afterEach(() => {
  broken.length = 0;
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

/** A server that streams this and answers 503 to an error before the first chunk. */
async function ask(
  open: (signal: AbortSignal) => AsyncIterable<Uint8Array>,
  silenceMs?: number,
): Promise<{ answer: Promise<IncomingMessage> }> {
  const server = createServer((_request, response) => {
    const reply = { raw: response, hijack: () => undefined };
    sendText(reply, open, { clock, silenceMs, broke: (error) => broken.push(error) }).catch((error: unknown) => {
      response.writeHead(503).end(error instanceof EdgeError ? error.code : 'bug');
    });
  }).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const asked = request({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' }).end();
  return { answer: once(asked, 'response').then(([answer]) => answer as IncomingMessage) };
}

const textOf = async (answer: IncomingMessage): Promise<string> => {
  let text = '';
  for await (const chunk of answer) text += String(chunk);
  return text;
};

describe('a text stream', () => {
  it('sends the chunks and ends', async () => {
    const { answer } = await ask(async function* () {
      yield* await Promise.resolve([Buffer.from('a\n'), Buffer.from('b\n')]);
    });
    const got = await answer;
    expect(got.headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(await textOf(got)).toBe('a\nb\n');
  });

  it('that fails before its first chunk is an ordinary error, also when its reader would wait in silence', async () => {
    for (const silenceMs of [undefined, 300]) {
      const { answer } = await ask(() => failing(new EdgeError('node_offline', '')), silenceMs);
      const got = await answer;
      expect([got.statusCode, await textOf(got)]).toEqual([503, 'node_offline']);
    }
    expect(broken).toEqual([]);
  });

  it('that is silent is known to its reader as begun', async () => {
    const { answer } = await ask(silent, 300);
    await until(() => clock.pending > 0);
    await clock.advance(300);
    const got = await answer;
    expect(got.statusCode).toBe(200);
    got.destroy();
  });

  it('that breaks later is cut, so that nobody takes it for the whole', async () => {
    const { answer } = await ask(async function* () {
      yield await Promise.resolve(Buffer.from('a'));
      throw new EdgeError('docker_error', '');
    });
    await expect(answer.then(textOf)).rejects.toThrow('aborted');
    expect(broken).toMatchObject([{ code: 'docker_error' }]);
  });

  it('asks for no more than its reader takes, and is cancelled when the reader goes', async () => {
    let asked = 0;
    let cancelled = false;
    const { answer } = await ask(async function* (signal) {
      signal.addEventListener('abort', () => (cancelled = true));
      for (;;) {
        asked += 1;
        yield await Promise.resolve(Buffer.alloc(64 * 1024));
      }
    });
    const got = await answer;
    let before = -1;
    await until(() => {
      const settled = asked === before;
      before = asked;
      return settled;
    });
    expect(asked).toBeLessThan(1000);
    got.destroy();
    await until(() => cancelled);
    expect(broken).toEqual([]);
  });
});

async function* failing(error: Error): AsyncGenerator<Uint8Array> {
  await Promise.reject(error);
  yield Buffer.alloc(0);
}

async function* silent(signal: AbortSignal): AsyncGenerator<Uint8Array> {
  await once(signal, 'abort');
  yield Buffer.alloc(0);
}
