import type { ServerResponse } from 'node:http';
import { until } from '@selvage/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { app, cli, FakeHub, instance } from '../fake-hub.js';

const LOGS = 'GET /api/v1/projects/default/apps/web/logs';
const hub = new FakeHub();
beforeAll(() => hub.start());
afterAll(() => hub.stop());
beforeEach(() => {
  hub.reset();
});

describe('selvage logs', () => {
  it('shows the log of the only instance', async () => {
    hub.put('apps', app('web'));
    hub.on(LOGS, (_asked, response) => response.writeHead(200).end('one\ntwo\n'));
    const result = await cli(hub, ['logs', 'app/web/c', '--tail', '5', '--since', '10m', '--timestamps']);
    expect(result).toEqual({ code: 0, out: 'one\ntwo\n', err: '' });
    expect(hub.asked.at(-1)?.query).toEqual({
      node: 'edge-1',
      container: 'c',
      follow: 'false',
      timestamps: 'true',
      tail: '5',
      sinceSeconds: '600',
    });
  });

  it('-f goes on until it is ended, which is no failure', async () => {
    const stop = new AbortController();
    hub.on(LOGS, (_asked, response) => response.writeHead(200).write('one\n'));
    const onOutput = (): void => {
      stop.abort();
    };
    const result = await cli(hub, ['logs', '-f', 'web', '--node', 'edge-1'], { signal: stop.signal, onOutput });
    expect(result).toEqual({ code: 0, out: 'one\n', err: '' });
  });

  it('-f ends quietly when nobody reads any more', async () => {
    const gone = new AbortController();
    hub.on(LOGS, (_asked, response) => response.writeHead(200).write('one\n'));
    const onOutput = (): void => {
      gone.abort();
    };
    const result = await cli(hub, ['logs', '-f', 'web', '--node', 'edge-1'], { gone: gone.signal, onOutput });
    expect(result).toMatchObject({ code: 0, err: '' });
  });

  it('-f connects again when the connection breaks, says so, and goes on from there', async () => {
    const answers: ((response: ServerResponse) => void)[] = [
      (response) => response.writeHead(200).write('one\n', () => response.destroy()),
      (response) => response.destroy(),
      (response) =>
        response.writeHead(503).end('{"code":"node_offline","message":"","detail":"edge-1","requestId":""}'),
      (response) => response.writeHead(200).end('two\n'),
    ];
    hub.on(LOGS, (_asked, response) => answers.shift()?.(response));
    const waits: number[] = [];
    const wait = (ms: number): Promise<void> => {
      waits.push(ms);
      return Promise.resolve();
    };
    const { code, out, err } = await cli(hub, ['logs', '-f', 'web', '--node', 'edge-1', '--tail', '3'], { wait });
    expect({ code, out }).toEqual({ code: 0, out: 'one\ntwo\n' });
    expect(err.split('\n').map((line) => line.replace(/.*(Connecting again)/, '$1'))).toEqual([
      'Connecting again in 1 s.',
      'Connecting again in 2 s.',
      'Connecting again in 4 s.',
      '',
    ]);
    expect(waits).toEqual([1000, 2000, 4000]);
    expect(hub.asked.map(({ query }) => [query.tail, query.sinceSeconds])).toEqual([
      ['3', undefined],
      ['100000', '0'],
      ['100000', '0'],
      ['100000', '0'],
    ]);
  });

  it('-f does not wait for a node that is offline from the start', async () => {
    hub.refuse(LOGS, 503, { code: 'node_offline', detail: 'edge-1 was last seen an hour ago.' });
    const { code, err } = await cli(hub, ['logs', '-f', 'web', '--node', 'edge-1']);
    expect(code).toBe(1);
    expect(err).toBe('selvage: The node is offline. edge-1 was last seen an hour ago.\n');
  });

  it('asks for the node when there are several', async () => {
    hub.put('apps', app('web', { instances: [instance('web'), instance('web', { node: 'edge-2' })] }));
    const { code, err } = await cli(hub, ['logs', 'web']);
    expect(code).toBe(2);
    expect(err).toBe('selvage: web is on several nodes: say which with --node: edge-1, edge-2\n');
  });

  it.each([
    [['--tail', '-1'], /whole number/],
    [['--since', 'yesterday'], /not a duration/],
  ])('%j is a usage error', async (more, says) => {
    const { code, err } = await cli(hub, ['logs', 'web', '--node', 'edge-1', ...more]);
    expect(code).toBe(2);
    expect(err).toMatch(says);
  });
});

describe('selvage rollout status', () => {
  const path = 'GET /api/v1/projects/default/apps/web';

  it('waits until the app runs everywhere', async () => {
    hub.put('apps', app('web', { state: 'progressing', running: 0, wanted: 2 }));
    const running = cli(hub, ['rollout', 'status', 'app/web']);
    await until(() => hub.asked.filter(({ what }) => what === path).length > 1, { describe: () => 'a second look' });
    hub.put('apps', app('web', { running: 2, wanted: 2 }));
    expect(await running).toEqual({
      code: 0,
      out: 'app/web is rolled out\n',
      err: 'app/web: 0 of 2 nodes run revision 5\napp/web: 2 of 2 nodes run revision 5\n',
    });
  });

  it('ends with 1 at its timeout and says why', async () => {
    const failing = { reason: 'image_pull_failed', message: 'manifest unknown', state: 'failed' };
    hub.put(
      'apps',
      app('web', { state: 'failed', running: 0, instances: [instance('web', { state: 'failed' }, failing)] }),
    );
    const { code, err } = await cli(hub, ['rollout', 'status', 'web', '--timeout', '1s']);
    expect(code).toBe(1);
    expect(err).toContain('Container c does not run: image_pull_failed. manifest unknown');
    expect(err).toContain('selvage: app/web is not rolled out.\n');
  });

  it('tells what is in the way as soon as it is known, and with --fail-fast ends there', async () => {
    const failing = { reason: 'image_pull_failed', message: 'manifest unknown', state: 'failed' };
    const failed = instance('web', { state: 'failed', revision: 4 }, failing);
    hub.put('apps', app('web', { state: 'failed', running: 0, instances: [failed] }));
    const waiting = cli(hub, ['rollout', 'status', 'app/web']);
    await until(() => hub.asked.filter(({ what }) => what === path).length > 2, { describe: () => 'a third look' });
    hub.put('apps', app('web'));
    const { err } = await waiting;
    expect(err.match(/manifest unknown/g)).toHaveLength(1);
    hub.put('apps', app('web', { state: 'failed', running: 0, instances: [failed] }));
    expect((await cli(hub, ['rollout', 'status', 'app/web', '--fail-fast'])).code).toBe(1);
  });

  it('does not wait for a container that will not be started again', async () => {
    const failing = { reason: 'container_exited', message: 'It ended with exit code 3.', state: 'failed', exitCode: 3 };
    hub.put(
      'apps',
      app('web', { state: 'failed', running: 0, instances: [instance('web', { state: 'failed' }, failing)] }),
    );
    const { code, err } = await cli(hub, ['rollout', 'status', 'app', 'web']);
    expect(code).toBe(1);
    expect(err).toContain('It is not started again');
  });
});
