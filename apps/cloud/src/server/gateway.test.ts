import { connect } from 'node:net';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ErrorFilter } from '../http/index.js';
import { addGateway, createAdapter } from './index.js';

const REST = { connectionTimeout: 5000, keepAliveTimeout: 5000 };
const TIMES = { ...REST, headersTimeout: 300, requestTimeout: 300, connectionsCheckingInterval: 50 };

describe('the door of the gateway', () => {
  let adapter: FastifyAdapter;
  let port = 0;
  const came: string[] = [];

  beforeAll(async () => {
    const errors = new ErrorFilter(pino({ level: 'silent' }));
    adapter = createAdapter(errors, TIMES);
    const server = adapter.getInstance();
    await addGateway(server, errors, {
      admit: () => Promise.resolve('somebody'),
      answer: (_guest, { body }, reply) => {
        came.push(String(body));
        void reply.send('ok');
        return Promise.resolve();
      },
    });
    await server.listen({ host: '127.0.0.1', port: 0 });
    const address = server.server.address();
    port = typeof address === 'object' && address !== null ? address.port : 0;
  });
  afterAll(() => adapter.close());

  it('ends a request whose body comes byte by byte', async () => {
    const socket = connect(port, '127.0.0.1');
    socket.write('POST /gateway/p/a HTTP/1.1\r\nhost: h\r\ncontent-length: 100000\r\n\r\n');
    const drip = setInterval(() => socket.write('x'), 20);
    const answer = new Promise<string>((resolve) => {
      socket.once('data', (data) => {
        resolve(data.toString());
      });
    });
    expect(await answer).toMatch(/^HTTP\/1.1 408 /);
    clearInterval(drip);
    socket.destroy();
    expect(came).toEqual([]);
  });

  it.each([
    ['of whatever type', { 'content-type': 'multipart/form-data; boundary=x' }],
    ['of no type', {}],
    ['that claims to be JSON', { 'content-type': 'application/json' }],
  ])('takes a body %s as it is', async (_what, headers) => {
    came.length = 0;
    const body = Buffer.from('{ no json');
    const answer = await fetch(`http://127.0.0.1:${port}/gateway/p`, { method: 'POST', headers, body });
    expect([answer.status, came]).toEqual([200, ['{ no json']]);
  });
});
