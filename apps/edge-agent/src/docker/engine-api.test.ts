import { getEventListeners, once } from 'node:events';
import { rmSync, symlinkSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { join } from 'node:path';
import { type TempDir, tempDir, until } from '@selvage/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DockerodeDocker } from './dockerode-docker.js';
import { EngineApi, type EngineRequest } from './engine-api.js';

const events: EngineRequest = { operation: 'events', method: 'GET', path: '/events' };

describe('a stream of the engine', () => {
  let folder: TempDir;
  let server: Server;
  let answer: RequestListener;
  let api: EngineApi;
  const waiting = new AbortController();
  const listeners = (): number => getEventListeners(waiting.signal, 'abort').length;

  beforeEach(async () => {
    folder = tempDir();
    const socket = join(folder.path, 'docker.sock');
    server = createServer((asked, response) => {
      answer(asked, response);
    }).listen(socket);
    await once(server, 'listening');
    api = new EngineApi(socket);
  });
  afterEach(async () => {
    await closed(server);
    folder.remove();
  });

  it('leaves nothing behind at the signal that may end it, when the engine ends it', async () => {
    answer = (_asked, response) => response.end('one');
    const chunks: string[] = [];
    for await (const chunk of await api.stream(events, waiting.signal)) chunks.push(chunk.toString());
    expect(chunks).toEqual(['one']);
    await until(() => listeners() === 0);
  });

  it('leaves nothing behind when whoever reads it has enough', async () => {
    answer = (_asked, response) => response.write('one');
    for await (const chunk of await api.stream(events, waiting.signal)) if (chunk.length > 0) break;
    await until(() => listeners() === 0);
  });

  it('leaves nothing behind when it does not begin: the engine refuses, or is silent', async () => {
    answer = (_asked, response) => response.writeHead(500).end('{"message":"no"}');
    await expect(api.stream(events, waiting.signal)).rejects.toThrow('no');
    answer = () => undefined;
    await expect(api.stream({ ...events, deadlineMs: 10 }, waiting.signal)).rejects.toMatchObject({
      code: 'docker_unavailable',
    });
    expect(listeners()).toBe(0);
  });

  it('ends with the signal', async () => {
    answer = (_asked, response) => response.write('one');
    const controller = new AbortController();
    const read = async (): Promise<void> => {
      for await (const chunk of await api.stream(events, controller.signal)) if (chunk.length > 0) controller.abort();
    };
    await expect(read()).rejects.toThrow();
    await until(() => getEventListeners(controller.signal, 'abort').length === 0);
  });
});

it('turns to the engine behind the socket as it is now, not to the one that it spoke with', async () => {
  const folder = tempDir();
  const path = join(folder.path, 'docker.sock');
  const docker = new DockerodeDocker({ socketPath: path });
  const engines = await Promise.all(['old', 'new'].map((name) => engineAt(join(folder.path, name), name)));
  const marks: string[] = [];
  const found: string[] = [];
  for (const name of ['old', 'new']) {
    rmSync(path, { force: true });
    symlinkSync(join(folder.path, name), path);
    for (let time = 0; time < 2; time += 1) marks.push(await docker.ping());
    found.push((await docker.volumes({})).map((volume) => volume.name).join());
  }
  rmSync(path);
  await expect(docker.ping()).rejects.toMatchObject({ code: 'docker_unavailable' });
  for (const engine of engines) await closed(engine);
  folder.remove();
  expect(found).toEqual(['old', 'new']);
  expect(marks.map((mark) => marks.indexOf(mark))).toEqual([0, 0, 2, 2]);
});

/** An engine whose one volume has its name. */
async function engineAt(path: string, Name: string): Promise<Server> {
  const volumes = JSON.stringify({ Volumes: [{ Name, Labels: {} }] });
  const server = createServer((asked, response) => response.end(asked.url?.startsWith('/volumes') ? volumes : 'OK'));
  await once(server.listen(path), 'listening');
  return server;
}

async function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
