import { existsSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type TempDir, tempDir } from '@selvage/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tryWrite } from '../state/index.js';
import { type AgentStatus, askAgent, LocalApi } from './index.js';

const status: AgentStatus = {
  agentVersion: '1.2.3',
  nodeVersion: 'v20',
  startedAt: '2030-01-01T00:00:00.000Z',
  node: { project: 'default', node: 'local' },
  hub: { url: 'https://hub', state: 'connected', since: '2030-01-01T00:00:00.000Z' },
  engine: { state: 'ready' },
  certificate: {
    serial: 'a',
    notAfter: '2030-03-01T00:00:00.000Z',
    daysLeft: 59,
    renewAt: '2030-02-01T00:00:00.000Z',
    renewing: false,
  },
  apps: [{ app: 'web', uid: 'u', revision: 1, state: 'running', containers: [] }],
};

describe('the local API', () => {
  let folder: TempDir;
  let now: AgentStatus;
  const warnings: string[] = [];
  const apis: LocalApi[] = [];
  const started = async (port = 0): Promise<LocalApi> => {
    const log = { info: () => undefined, warn: (_about: unknown, line?: string) => void warnings.push(line ?? '') };
    const api = new LocalApi({ port, folder: folder.path, status: () => now, store: () => tryWrite(folder.path), log });
    apis.push(api);
    await api.start();
    return api;
  };
  const port = (): number => (JSON.parse(readFileSync(join(folder.path, 'api.json'), 'utf8')) as { port: number }).port;
  const get = (path: string, init?: RequestInit): Promise<Response> => fetch(`http://127.0.0.1:${port()}${path}`, init);

  beforeEach(() => {
    folder = tempDir();
    warnings.length = 0;
    now = status;
  });
  afterEach(async () => {
    for (const api of apis.splice(0)) await api.stop();
    folder.remove();
  });

  it('tells the status, and the port by a file', async () => {
    await started();
    expect(await askAgent(folder.path)).toEqual(status);
    expect(await (await get('/healthz')).text()).toBe('ok\n');
    expect((await get('/status')).headers.get('content-type')).toBe('application/json');
  });

  it('has metrics for Prometheus', async () => {
    await started();
    const text = await (await get('/metrics')).text();
    for (const line of [
      'selvage_agent_link_connected 1',
      'selvage_agent_engine_ready 1',
      'selvage_agent_certificate_days_left 59',
      'selvage_agent_apps{state="running"} 1',
      'selvage_agent_apps{state="failed"} 0',
      '# TYPE selvage_agent_apps gauge',
    ])
      expect(text.split('\n')).toContain(line);
    expect(text).toMatch(/\nselvage_agent_resident_memory_bytes \d{7,}\n/);
  });

  it('has metrics for each route', async () => {
    const route = { name: 'up', state: 'active', taken: 9, filtered: 1, failed: 2, dropped: 4 } as const;
    now = { ...status, routes: [{ ...route, waiting: 3, bytes: 300, dead: 1 }] };
    await started();
    const lines = (await (await get('/metrics')).text()).split('\n');
    for (const line of ['taken_messages{route="up"} 9', 'waiting_bytes{route="up"} 300', 'dead_letters{route="up"} 1'])
      expect(lines).toContain(`selvage_agent_route_${line}`);
  });

  it('is ready when the engine is', async () => {
    await started();
    expect((await get('/readyz')).status).toBe(200);
    now = { ...status, engine: { state: 'not_answering' } };
    const answer = await get('/readyz');
    expect([answer.status, await answer.text()]).toEqual([503, 'The Docker engine is not answering.\n']);
  });

  it('is ready when the disk takes what is written, and says what to do when it does not', async () => {
    await started();
    const answers = async (): Promise<unknown> => {
      const many = await Promise.all(['/readyz', '/readyz'].map((path) => get(path)));
      return Promise.all(many.map(async (one) => `${one.status} ${await one.text()}`));
    };
    symlinkSync('/dev/full', join(folder.path, 'probe'));
    const full = `503 The disk is full. Nothing can be written to ${folder.path}: remove what is not needed.\n`;
    expect(await answers()).toEqual([full, full]);
    rmSync(join(folder.path, 'probe'));
    expect(await answers()).toEqual(['200 ready\n', '200 ready\n']);
    expect(existsSync(join(folder.path, 'probe'))).toBe(false);
  });

  it.each([
    ['POST', '/status', 405],
    ['DELETE', '/healthz', 405],
    ['GET', '/nothing', 404],
    ['GET', `/${'x'.repeat(10_000)}`, 431],
  ])('answers %s %s with %i', async (method, path, code) => {
    await started();
    expect((await get(path, { method })).status).toBe(code);
  });

  it('is done without when its port is taken', async () => {
    await started();
    await started(port());
    expect(warnings).toHaveLength(1);
    expect((await get('/healthz')).status).toBe(200);
  });

  it('is gone after it stopped', async () => {
    const api = await started();
    await api.stop();
    expect(existsSync(join(folder.path, 'api.json'))).toBe(false);
    await expect(askAgent(folder.path)).rejects.toMatchObject({ code: 'node_offline' });
  });
});
