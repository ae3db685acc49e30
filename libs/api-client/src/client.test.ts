import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { endpoints } from '@selvage/protocol';
import { freePort } from '@selvage/testkit';
import { afterEach, describe, expect, it } from 'vitest';
import { type ClientOptions, createClient, type LiveEvent } from './index.js';

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

const servers: { close: () => void }[] = [];

/** A server of its own for each test, and a client of it. */
async function hub(handler: Handler, options: Partial<ClientOptions> = {}) {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      handler(request, response, body);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  servers.push({
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return createClient({ url, token: 'secret', ...options });
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

function refusal(code: string, detail: string): object {
  return { code, message: 'I am.', detail, requestId: 'r-7' };
}

const params = { project: 'default', name: 'web' };

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

describe('a call', () => {
  it('sends method, path, query, body, token and revision, and parses the answer', async () => {
    const seen: unknown[] = [];
    const client = await hub(({ method, url, headers }, response, body) => {
      seen.push(method, url, headers.authorization, headers['if-match'], body);
      json(response, 200, { name: 'a', description: '', createdAt: '2030-01-01T00:00:00Z', extra: 1 });
    });
    const input = { params: { project: 'a b' }, body: { description: 'x' }, ifMatch: 3 };
    expect(await client.call(endpoints.projects.put, input)).toEqual({
      name: 'a',
      description: '',
      createdAt: '2030-01-01T00:00:00Z',
    });
    expect(seen).toEqual(['PUT', '/api/v1/projects/a%20b', 'Bearer secret', '"3"', '{"description":"x"}']);
  });

  it('leaves out what is undefined in a query', async () => {
    const client = await hub(({ url }, response) => {
      json(response, 200, { items: [], cursor: url });
    });
    const query = { limit: 5, cursor: undefined as never };
    expect((await client.call(endpoints.projects.list, { query })).cursor).toBe('/api/v1/projects?limit=5');
  });

  it('needs no input where nothing is required, and takes an empty answer', async () => {
    const client = await hub((_request, response) => response.writeHead(204).end());
    await expect(client.call(endpoints.session.logout)).resolves.toBeUndefined();
  });

  it.each([
    {
      what: 'of the catalogue',
      status: 409,
      body: refusal('port_conflict', 'port 80'),
      code: 'port_conflict',
      detail: 'port 80',
    },
    {
      what: 'that is not known',
      status: 418,
      body: refusal('teapot', 'short'),
      code: 'internal',
      detail: 'The hub said "teapot": I am. short',
    },
    {
      what: 'inside',
      status: 500,
      body: refusal('internal', ''),
      code: 'internal',
      detail: "The hub's log has it under request r-7.",
    },
    { what: 'of a proxy', status: 502, body: '<h1>Bad  gateway</h1>', code: 'hub_unreachable', detail: 'HTTP 502' },
    {
      what: 'of another server',
      status: 404,
      body: 'nothing here',
      code: 'hub_unreachable',
      detail: 'not the API of a hub (HTTP 404: "nothing here"); the API is on the other port',
    },
  ])('refused with an error $what is $code in words', async ({ status, body, code, detail }) => {
    const client = await hub((_request, response) => {
      json(response, status, body);
    });
    const refused = client.call(endpoints.apps.get, { params });
    await expect(refused).rejects.toMatchObject({ code, detail: expect.stringContaining(detail) as string });
  });

  it('to nobody says where and why', async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    await expect(createClient({ url }).call(endpoints.session.me)).rejects.toMatchObject({
      code: 'hub_unreachable',
      detail: expect.stringMatching(/^http:\/\/127.*nothing listens there/) as string,
    });
  });

  it('to a server that hangs up is hub_unreachable', async () => {
    const client = await hub((request) => request.socket.destroy());
    await expect(client.call(endpoints.session.me)).rejects.toMatchObject({ code: 'hub_unreachable' });
  });

  it.each(['silent', 'never done'])('to a server that is %s ends at the deadline', async (how) => {
    const client = await hub((_request, response) => how === 'silent' || response.writeHead(200).write('{'), {
      deadlineMs: 50,
    });
    await expect(client.call(endpoints.session.me)).rejects.toMatchObject({
      code: 'hub_unreachable',
      detail: expect.stringContaining('no answer within 0.05 s') as string,
    });
  });

  it.each([
    ['is too long', { maxAnswerBytes: 10 }, { code: 'body_too_large' }],
    ['is something else', {}, { code: 'internal', detail: expect.stringContaining('"username"') as string }],
  ])('whose answer %s fails', async (_what, options, error) => {
    const client = await hub((_request, response) => {
      json(response, 200, { role: 'admin' });
    }, options);
    await expect(client.call(endpoints.session.me)).rejects.toMatchObject(error);
  });

  it('to a server that answers with a page says so', async () => {
    const client = await hub((_request, response) => response.writeHead(200).end('<html>hello</html>'));
    await expect(client.call(endpoints.session.me)).rejects.toMatchObject({
      code: 'hub_unreachable',
      detail: expect.stringContaining('not the API of a hub') as string,
    });
  });

  it('to a server that speaks no HTTP says so', async () => {
    const client = await hub(({ socket }) => socket.end('220 mail ready\r\n'));
    await expect(client.call(endpoints.session.me)).rejects.toMatchObject({
      code: 'hub_unreachable',
      detail: expect.stringContaining('8080 unless changed') as string,
    });
  });

  it('is not sent on elsewhere', async () => {
    const client = await hub((_request, response) =>
      response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
    );
    await expect(client.call(endpoints.session.me)).rejects.toMatchObject({ code: 'hub_unreachable' });
  });

  it('ends when its signal says so', async () => {
    const controller = new AbortController();
    const client = await hub(() => {
      controller.abort();
    });
    const cancelled = client.call(endpoints.session.me, { signal: controller.signal });
    await expect(cancelled).rejects.toMatchObject({ code: 'call_cancelled' });
  });
});

describe('a stream', () => {
  const query = { node: 'n', follow: 'true' };

  it('gives the bytes as they come and outlives the deadline of calls', async () => {
    let more = (): void => undefined;
    const client = await hub(
      (_request, response) => {
        response.writeHead(200).write('one');
        more = () => void response.end('two');
      },
      { deadlineMs: 100 },
    );
    const seen: string[] = [];
    const onOpen = (): unknown => seen.push('open');
    for await (const chunk of client.stream(endpoints.apps.logs, { params, query, onOpen })) {
      seen.push(Buffer.from(chunk).toString());
      if (seen.length === 2) setTimeout(more, 200);
    }
    expect(seen).toEqual(['open', 'one', 'two']);
  });

  it.each([
    [
      'is refused',
      (response: ServerResponse) => {
        json(response, 503, { code: 'node_offline', message: '', detail: 'n', requestId: '' });
      },
      'node_offline',
    ],
    [
      'breaks',
      (response: ServerResponse) => {
        response.writeHead(200).write('x', () => response.destroy());
      },
      'hub_unreachable',
    ],
  ])('that %s throws', async (_what, answer, code) => {
    const client = await hub((_request, response) => {
      answer(response);
    });
    await expect(all(client.stream(endpoints.apps.logs, { params, query }))).rejects.toMatchObject({ code });
  });

  it('closes its connection when it is left or cancelled', async () => {
    const closed: Promise<unknown>[] = [];
    const client = await hub((_request, response) => {
      closed.push(once(response, 'close'));
      response.writeHead(200).write('x');
    });
    const left = client.stream(endpoints.apps.logs, { params, query })[Symbol.asyncIterator]();
    await left.next();
    await left.return?.();
    const controller = new AbortController();
    const cancelled = async (): Promise<void> => {
      const { signal } = controller;
      const stream = client.stream(endpoints.apps.logs, { params, query, signal })[Symbol.asyncIterator]();
      await stream.next();
      controller.abort();
      await stream.next();
    };
    await expect(cancelled()).rejects.toMatchObject({ code: 'call_cancelled' });
    expect(closed).toHaveLength(2);
    await Promise.all(closed);
  });
});

describe('after memory was collected', () => {
  it.each(['stream', 'events'] as const)('a signal still ends a %s', async (what) => {
    const controller = new AbortController();
    const { signal } = controller;
    const client = await hub((_request, response) =>
      response.writeHead(200).write('data: {"noun":"a","name":"b"}\n\n'),
    );
    const query = { node: 'n' };
    const source: AsyncIterable<unknown> =
      what === 'stream'
        ? client.stream(endpoints.apps.logs, { params, query, signal })
        : client.events(endpoints.live.events, { signal });
    const pieces = source[Symbol.asyncIterator]();
    await pieces.next();
    const next = expect(pieces.next()).rejects.toMatchObject({ code: 'call_cancelled' });
    await collect();
    controller.abort();
    await next;
  });

  it('a deadline still ends a call', async () => {
    const client = await hub(() => void collect(), { deadlineMs: 300 });
    await expect(client.call(endpoints.session.me)).rejects.toMatchObject({ code: 'hub_unreachable' });
  });
});

describe('an event stream', () => {
  it('gives the events, in whatever pieces they come', async () => {
    const client = await hub((_request, response) => {
      response.writeHead(200).write(': listening\n\ndata: {"noun":"app","na');
      response.write('me":"web","project":"default"}\n\ndata: nonsense\n\n');
      response.end('data: {"noun":"project","name":"a"}\r\n\r\ndata: {"noun":"cut');
    });
    expect(await all<LiveEvent>(client.events(endpoints.live.events))).toEqual([
      { noun: 'app', name: 'web', project: 'default' },
      { noun: 'project', name: 'a' },
    ]);
  });

  it('that falls silent counts as broken', async () => {
    const client = await hub((_request, response) => response.writeHead(200).write(':\n\n'), { eventSilenceMs: 50 });
    await expect(all(client.events(endpoints.live.events))).rejects.toMatchObject({ code: 'hub_unreachable' });
  });
});

/** Collects garbage for real: `fetch` loses sight of a signal that it holds weakly. */
async function collect(): Promise<void> {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  for (let turn = 0; turn < 5; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    gc();
  }
}

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}
