import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { DownFrame, UpFrame } from '@selvage/protocol';
import { until } from '@selvage/testkit';
import { decodeDown, encodeFrame, toSection } from '@selvage/wire';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { Gateway } from './gateway.js';
import type { InboundWriter } from './inbound-writer.js';
import type { MessageWriter } from './messages-writer.js';
import { NodeSession } from './node-session.js';
import type { Reception } from './reception.js';
import { Sessions } from './sessions.js';

const HELLO: UpFrame = { t: 'hello', protocol: 1, agent: '1', boot: 'b', stored: null, desired: {}, reported: {} };
const REPORT: UpFrame = { t: 'report', section: toSection('facts', {}) };

describe('the gateway', () => {
  const heard: string[] = [];
  const lines: string[] = [];
  const reception: Pick<Reception, 'admit'> = {
    admit: (socket, _certificate, { boot }) => {
      const ref = { project: 'default', node: 'n' };
      const moment = { now: Date.now(), monotonic: performance.now() };
      const said = { agent: '1', boot, stored: { position: null, hashes: {} }, reported: {} };
      return Promise.resolve(new NodeSession(socket, { ref, serial: '1', ...said, ...moment }));
    },
  };
  const inbound: Pick<InboundWriter, 'take'> = {
    take: (_session, { name }) => {
      if (name === 'broken') throw new Error('a password in a stack trace');
      heard.push(name);
    },
  };
  const messages: Pick<MessageWriter, 'take' | 'forget'> = { take: () => undefined, forget: () => undefined };
  const sessions = new Sessions();
  let server: WebSocketServer;

  beforeAll(async () => {
    const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
    const parts = [reception as Reception, sessions, inbound as InboundWriter, messages as MessageWriter] as const;
    const gateway = new Gateway(...parts, log);
    server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    server.on('connection', (socket) => {
      gateway.accept(socket, { serialNumber: '1', subjectAltName: '', raw: Buffer.alloc(0) });
    });
    await once(server, 'listening');
  });
  afterAll(() => {
    server.close();
  });
  beforeEach(() => {
    [heard.length, lines.length] = [0, 0];
  });

  async function join(): Promise<{ socket: WebSocket; told: DownFrame[] }> {
    const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const told: DownFrame[] = [];
    socket.on('message', (data: Buffer) => told.push(decodeDown(data)));
    await once(socket, 'open');
    const before = sessions.count;
    socket.send(encodeFrame(HELLO));
    await until(() => sessions.count > before);
    return { socket, told };
  }

  it('does not hear what a link says after it was refused', async () => {
    const { socket, told } = await join();
    for (const bytes of [encodeFrame(REPORT), Buffer.of(1), encodeFrame(REPORT), encodeFrame(REPORT), Buffer.of(1)])
      socket.send(bytes);
    await once(socket, 'close');
    expect(heard).toEqual(['facts']);
    expect(told).toMatchObject([{ t: 'refused', code: 'bad_request' }]);
    await until(() => sessions.count === 0);
  });

  it.each([
    ['reports', encodeFrame({ t: 'report', section: toSection('facts', 'x'.repeat(1_000_000)) }), 60],
    ['small frames', encodeFrame({ t: 'heartbeat', desired: 'd', reported: 'r' }), 20_000],
  ])('reads no faster than its share a link that sends nothing but %s', async (_what, frame, count) => {
    const { socket, told } = await join();
    for (let sent = 0; sent < count; sent += 1) socket.send(frame);
    await until(() => [...server.clients].some(({ isPaused }) => isPaused));
    expect(heard.length + told.length).toBeLessThan(count / 2);
    for (const client of server.clients) client.terminate();
    await until(() => sessions.count === 0);
  });

  it('tells a node nothing of what broke inside', async () => {
    const { socket, told } = await join();
    socket.send(encodeFrame({ t: 'report', section: toSection('broken', {}) }));
    await once(socket, 'close');
    expect(told).toMatchObject([{ t: 'refused', code: 'internal' }]);
    expect(JSON.stringify(told)).not.toContain('password');
    expect(lines.join('')).toContain('password');
    await until(() => sessions.count === 0);
  });

  it('says in one short line what was wrong with a frame', async () => {
    const { socket } = await join();
    const desired = Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [`${at}`, '']));
    socket.send(encodeFrame({ t: 'stored', position: { epoch: 'e', revision: 1 }, desired }));
    await once(socket, 'close');
    const line = lines.find((text) => text.includes('no frame of the link')) ?? '';
    expect(line).toContain('and 999 more');
    expect(line.length).toBeLessThan(1_000);
    await until(() => sessions.count === 0);
  });
});
