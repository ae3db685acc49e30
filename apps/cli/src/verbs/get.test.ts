import { freePort } from '@selvage/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { app, cli, FakeHub, instance, node, send } from '../fake-hub.js';

const hub = new FakeHub();
beforeAll(() => hub.start());
afterAll(() => hub.stop());
beforeEach(() => {
  hub.reset();
});

describe('selvage get', () => {
  it('lists nodes in aligned columns, and why one is not ready', async () => {
    hub.put(
      'nodes',
      node('edge-1', { state: 'ready', certificateDaysLeft: 89, lastSeenAt: '2030-01-01T11:59:55Z' }, { site: 'a' }),
    );
    hub.put('nodes', node('edge-10', { state: 'offline', reason: 'no heartbeat', lastSeenAt: '2030-01-01T09:00:00Z' }));
    const { code, out } = await cli(hub, ['get', 'nodes']);
    expect(code).toBe(0);
    expect(out.split('\n')).toEqual([
      'NAME      STATE     LABELS   ARCH   DOCKER   CERT   LAST SEEN   REASON',
      'edge-1    ready     site=a                   89d    5s',
      'edge-10   offline                                   3h          no heartbeat',
      '',
    ]);
  });

  it('gives manifests that can be applied', async () => {
    hub.put('nodes', node('edge-1', { state: 'ready' }, { site: 'a' }));
    hub.put('nodes', node('edge-2', { state: 'ready' }));
    const { out } = await cli(hub, ['get', 'nodes', '-o', 'manifest']);
    expect(out).toMatch(
      /^kind: Node\nname: edge-1\nproject: default\nlabels:\n {2}site: a\nspec:\n[^]*---\nkind: Node\n/,
    );
    expect(out).not.toContain('status');
    const applied = await cli(hub, ['apply', '-f', '-'], { input: out });
    expect(applied.out).toBe('node/edge-1 unchanged\nnode/edge-2 unchanged\n');
  });

  it.each([
    ['get', 'secrets', '-o', 'manifest'],
    ['get', 'nodes', '-o', 'manifest', '--watch'],
  ])('gives no manifests for %s %s %s %s', async (...args) => {
    expect((await cli(hub, args)).code).toBe(2);
  });

  it('shows more with -o wide', async () => {
    const docker = { state: 'ready', version: '20.10' };
    const facts = {
      hostname: 'h',
      arch: 'arm64',
      os: 'Debian',
      kernel: '6.1',
      cpus: 4,
      cpuModel: 'A72',
      memoryBytes: 4 * 2 ** 30,
      diskBytes: 1,
      diskFreeBytes: 1,
      addresses: ['10.0.0.1'],
      gpus: [],
      docker,
      mountAllowList: [],
      agentVersion: '1',
      bootedAt: '2030-01-01T00:00:00Z',
    };
    hub.put('nodes', node('edge-1', { state: 'ready', facts }));
    const { out } = await cli(hub, ['get', 'node', 'edge-1', '-o', 'wide']);
    expect(out).toMatch(/arm64 +20\.10 +Debian +6\.1 +4 +4\.0 GiB +1 +10\.0\.0\.1/);
  });

  it('lists apps with the reason why one fails', async () => {
    hub.put('apps', app('web'));
    const failing = {
      state: 'failed',
      running: 0,
      instances: [instance('db', { state: 'failed' }, { reason: 'image_pull_failed' })],
    };
    hub.put('apps', app('db', failing));
    const { out } = await cli(hub, ['get', 'apps']);
    expect(out).toMatch(/^web +running +1\/1 +edge-1 +web:1 +2h$/m);
    expect(out).toMatch(/^db +failed +0\/1 +edge-1 +db:1 +2h +image_pull_failed \(edge-1\)$/m);
  });

  it.each([
    ['json', /^\[\n {2}\{\n {4}"name": "web"/],
    ['yaml', /^- name: web\n/],
    ['name', /^app\/web\n$/],
  ])('prints -o %s', async (format, expected) => {
    hub.put('apps', app('web'));
    expect((await cli(hub, ['get', 'apps', '-o', format])).out).toMatch(expected);
  });

  it('passes selector and state on and reads all pages', async () => {
    hub.on('GET /api/v1/projects/shop/nodes', ({ query }, response) => {
      send(response, 200, query.cursor === undefined ? { items: [node('a')], cursor: 'more' } : { items: [node('b')] });
    });
    const { out } = await cli(hub, ['get', 'nodes', '-p', 'shop', '-l', 'site=a', '--state', 'ready', '-o', 'name']);
    expect(out).toBe('node/a\nnode/b\n');
    expect(hub.asked[1]?.query).toEqual({ labels: 'site=a', state: 'ready', limit: '500', cursor: 'more' });
  });

  it('says on stderr that there is nothing', async () => {
    expect(await cli(hub, ['get', 'apps'])).toEqual({
      code: 0,
      out: '',
      err: 'There are no apps in project "default".\n',
    });
  });

  it.each([
    ['tokens', 'GET /api/v1/tokens', 'There are no tokens.\n'],
    [
      'certificates device/lamp',
      'GET /api/v1/projects/default/devices/lamp/certificates',
      'There are no certificates of device/lamp.\n',
    ],
  ])('%s belong to no project', async (given, path, says) => {
    hub.on(path, { items: [] });
    expect((await cli(hub, ['get', ...given.split(' ')])).err).toBe(says);
  });

  it.each(['nodes', 'apps', 'secrets', 'devices', 'device-models', 'clients', 'projects'])(
    'one of %s is asked for no longer than the user waits',
    async (plural) => {
      const stop = new AbortController();
      const place = plural === 'projects' ? '/api/v1/projects' : `/api/v1/projects/default/${plural}/x`;
      hub.on(`GET ${place}`, () => {
        stop.abort();
      });
      const result = await cli(hub, ['get', plural, 'x'], { signal: stop.signal });
      expect(result).toEqual({ code: 1, out: '', err: 'selvage: The call was cancelled.\n' });
    },
  );

  it('says on stderr that there is none of the kind that was asked for', async () => {
    expect((await cli(hub, ['get', 'apps', '--state', 'failed'])).err).toBe(
      'There are no such apps in project "default".\n',
    );
  });

  it('tells that the nodes of an app are not connected', async () => {
    hub.put('apps', app('web', { instances: [instance('web', { nodeState: 'offline' })] }));
    const both = [instance('db', { nodeState: 'offline' }), instance('db', { node: 'edge-2', nodeState: 'disabled' })];
    hub.put('apps', app('db', { instances: both }));
    const { out } = await cli(hub, ['get', 'apps']);
    expect(out).toMatch(/^web +running \(node offline\) +1\/1/m);
    expect(out).toMatch(/^db +running \(no node connected\) +1\/1/m);
  });

  it.each([
    [['get'], /missing required argument 'noun'/],
    [['get', 'cows'], /"cows" is not one of node, app/],
    [['get', 'nodes', '--state', 'happy'], /no state of a node: never_joined/],
    [['get', 'tokens', '-l', 'a=b'], /cannot be narrowed by --selector/],
    [['get', 'nodes', '-o', 'xml'], /Allowed choices are table, wide/],
    [['get', 'nodes', '-p', 'No'], /is no project/],
    [['gte', 'nodes'], /Did you mean get/],
    [['get', 'certificates'], /name the node/],
  ])('%j is a usage error', async (args, says) => {
    const { code, err } = await cli(hub, args);
    expect(code).toBe(2);
    expect(err).toMatch(says);
    expect(err).toMatch(/^selvage: /);
  });

  it('of what is not there is refused', async () => {
    const { code, err } = await cli(hub, ['get', 'app', 'web']);
    expect(code).toBe(1);
    expect(err).toMatch(/^selvage: Not found\. There is no .*web\.\n$/);
  });

  it('of a hub that is not there ends with 3 and says where', async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const { code, err } = await cli({ url }, ['get', 'apps']);
    expect(code).toBe(3);
    expect(err).toMatch(
      new RegExp(
        `^selvage: The hub cannot be reached. ${url}: nothing listens there.*selvage login --url URL.*SELVAGE_URL`,
      ),
    );
  });

  it('--watch shows what changes until it is ended', async () => {
    const stop = new AbortController();
    hub.put('apps', app('web'));
    hub.on('GET /api/v1/live', (_asked, response) =>
      response.writeHead(200).write('data: {"noun":"app","name":"web"}\n\n'),
    );
    const steps: [string, () => void][] = [
      [
        'NAME',
        () => {
          hub.put('apps', app('web', { state: 'failed', running: 0 }));
        },
      ],
      [
        'web    failed',
        () => {
          hub.put('apps', app('db'));
        },
      ],
      [
        'db     running',
        () => {
          stop.abort();
        },
      ],
    ];
    const onOutput = (out: string): void => {
      const [next] = steps;
      if (next !== undefined && out.includes(next[0])) steps.shift()?.[1]();
    };
    const { code, out } = await cli(hub, ['get', 'apps', '--watch'], { signal: stop.signal, onOutput });
    expect(code).toBe(0);
    expect(out.split('\n').map((line) => line.split(/ +/).slice(0, 3).join(' '))).toEqual([
      'NAME STATE RUNNING',
      'web running 1/1',
      'web failed 0/1',
      'db running 1/1',
      '',
    ]);
  });

  it('shows help with an example', async () => {
    const { code, out } = await cli(hub, ['get', '--help']);
    expect(code).toBe(0);
    expect(out).toContain('Examples:\n  selvage get nodes');
  });
});
