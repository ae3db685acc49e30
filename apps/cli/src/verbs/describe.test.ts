import { app as appSchema } from '@selvage/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { app, cli, FakeHub, instance, node, NOW } from '../fake-hub.js';
import { whyLines } from './why.js';

const hub = new FakeHub();
beforeAll(() => hub.start());
afterAll(() => hub.stop());
beforeEach(() => {
  hub.reset();
});

const failing = {
  state: 'failed',
  reason: 'image_pull_failed',
  message: 'manifest unknown',
  retryAt: '2030-01-01T12:05:00Z',
};

describe('selvage describe', () => {
  it('shows an app with its instances, reasons and messages', async () => {
    const instances = [
      instance('web'),
      instance('web', { node: 'edge-2', state: 'failed', nodeState: 'offline' }, failing),
    ];
    hub.put('apps', app('web', { state: 'failed', wanted: 2, instances }));
    const { out } = await cli(hub, ['describe', 'app/web']);
    expect(out).toMatch(/^running: +1 of 2 nodes run revision 5$/m);
    expect(out).toContain(`Instances:
  web on edge-1: running (reported 10s ago)
    c: running, image web:1
  web on edge-2: failed (the node is offline; reported 10s ago)
    c: failed, next try in 5m, image web:1
      image_pull_failed: manifest unknown
`);
  });

  it('shows the ports of a container, and the address where there is one', async () => {
    const made = app('web');
    const ports = [
      { hostPort: 80, containerPort: 8080 },
      { hostIp: '127.0.0.1', hostPort: 81, containerPort: 8081, protocol: 'udp' },
    ];
    const [container] = made.spec.containers;
    hub.put('apps', { ...made, spec: { ...made.spec, containers: [{ ...container, ports }] } });
    const { out } = await cli(hub, ['describe', 'app/web']);
    expect(out).toMatch(/ports: +80 → 8080\/tcp\n +127\.0\.0\.1:81 → 8081\/udp\n/);
  });

  it('shows a node with its machine, certificates and apps', async () => {
    hub.put(
      'nodes',
      node('edge-1', { state: 'offline', reason: 'no heartbeat', desiredRevision: 7, storedRevision: 5 }),
    );
    hub.put('apps', app('web'));
    const certificate = {
      serial: '4f',
      fingerprint: 'a'.repeat(64),
      kind: 'node',
      subject: 'default/edge-1',
      notBefore: '2030-01-01T00:00:00Z',
      notAfter: '2030-03-01T12:00:00Z',
    };
    hub.on('GET /api/v1/projects/default/nodes/edge-1/certificates', { items: [certificate] });
    const { out } = await cli(hub, ['describe', 'node', 'edge-1']);
    expect(out).toMatch(/^reason: +no heartbeat$/m);
    expect(out).toMatch(/^desired state: +not known while it is offline; revision 7 waits, it had 5$/m);
    expect(out).toContain('  4f valid from 2030-01-01 00:00:00Z (12h ago) until 2030-03-01 12:00:00Z (in 59d)\n');
    expect(out).toContain('  web on edge-1: running');
  });

  it('hands nothing of a node to a terminal that it would obey', async () => {
    hub.put('nodes', node('edge-1', { state: 'ready', reason: 'a\u001B]0;x\u0007\u009B31mb\u202E' }));
    hub.on('GET /api/v1/projects/default/nodes/edge-1/certificates', { items: [] });
    hub.refuse('GET /api/v1/projects/default/apps/web', 409, { code: 'conflict', detail: 'c\u001B[2Jd\u009Be' });
    const made = instance('db', {}, { reason: 'r\u001B[1m', message: 'm\u009B1m\u202E\u2066', image: 'i\u001B[5m' });
    hub.put('apps', app('db', { instances: [made] }));
    for (const args of [
      ['describe', 'node/edge-1'],
      ['rollout', 'status', 'db', '--timeout', '0s'],
      ['apply', '-f', '/nowhere/\u001B[2J\u202E'],
      ['apply', '-f', '-'],
      ['cert', 'revoke', '\u001B[2J'],
      ['get', '\u202E'],
      ['\u001B[2J'],
      ['delete', 'app/db', '--yes'],
      ['describe', 'app/db'],
      ['describe', 'app/web'],
      ['why', 'app/db'],
      ...['table', 'json', 'yaml'].map((format) => ['get', 'app', 'db', '-o', format]),
      ...['wide', 'json', 'yaml'].map((format) => ['get', 'node', 'edge-1', '-o', format]),
    ]) {
      const input = '"kind": Node\n"name": a\n"\\e[2J\u202E": "\\x9B"\n';
      const { out, err } = await cli(hub, args, { input, isTerminal: true });
      expect((out + err).replaceAll('\n', ''), args.join(' ')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    }
  });

  it('shows no value of a secret', async () => {
    const spec = { type: 'registry', registry: 'r.example', username: 'u' };
    hub.put('secrets', { ...node('robot'), spec, status: { usedBy: ['web'] } });
    const { out } = await cli(hub, ['describe', 'secret/robot']);
    expect(out).toMatch(/^password: +\(never shown\)\nused by: +web$/m);
  });
});

describe('selvage why', () => {
  const lines = (status: object): string[] => whyLines(appSchema.parse(app('web', status)), NOW);

  it.each([
    ['everything runs', {}, ['web runs on its node.']],
    [
      'no node is wanted',
      { wanted: 0, instances: [] },
      ['web is wanted on no node: no node has the name or the labels of its placement.'],
    ],
    [
      'it is done',
      { running: 0, instances: [instance('web', { state: 'completed' }, { state: 'exited', exitCode: 0 })] },
      ['web is done on its node.'],
    ],
    [
      'it is done on one of two nodes',
      {
        wanted: 2,
        running: 1,
        instances: [instance('web'), instance('web', { node: 'b', state: 'completed' }, { state: 'exited' })],
      },
      ['web runs on 1 of 2 nodes and is done on 1.'],
    ],
    [
      'an offline node never said anything about it',
      {
        running: 0,
        instances: [instance('web', { state: 'unknown', nodeState: 'offline', reportedAt: undefined, containers: [] })],
      },
      [
        'web runs on 0 of 1 node.',
        'On edge-1:',
        '  The node is offline; it has never reported about this app. It will start the app when it connects.',
      ],
    ],
    [
      'the engine does not answer',
      {
        running: 0,
        instances: [
          instance(
            'web',
            { state: 'unknown' },
            { state: 'waiting', reason: 'docker_unavailable', message: 'no socket', restarts: 1 },
          ),
        ],
      },
      [
        'web runs on 0 of 1 node.',
        'On edge-1:',
        '  The node does not know its state now.',
        '  Container c waits for its turn: docker_unavailable. no socket. It was restarted once.',
      ],
    ],
    [
      'nothing was said yet',
      { running: 0, instances: [] },
      ['web runs on 0 of 1 node.', 'Nodes that have not said anything about it yet: 1.'],
    ],
    [
      'an image cannot be pulled',
      { running: 0, instances: [instance('web', { state: 'failed' }, failing)] },
      [
        'web runs on 0 of 1 node.',
        'On edge-1:',
        '  Container c does not run: image_pull_failed. manifest unknown. The next try is in 5m, at 12:05:00Z.',
      ],
    ],
    [
      'the node is offline with an old revision',
      { running: 0, instances: [instance('web', { nodeState: 'offline', revision: 4 })] },
      [
        'web runs on 0 of 1 node.',
        'On edge-1:',
        '  The node is offline; what follows is from 10s ago. It goes on by itself meanwhile.',
        '  It still has revision 4; revision 5 is wanted.',
      ],
    ],
    [
      'a container keeps ending',
      {
        running: 0,
        instances: [
          instance(
            'web',
            { state: 'failed' },
            {
              state: 'backing_off',
              reason: 'container_exited',
              message: 'It ended with exit code 1.',
              restarts: 4,
              retryAt: '2030-01-01T11:59:00Z',
            },
          ),
        ],
      },
      [
        'web runs on 0 of 1 node.',
        'On edge-1:',
        '  Container c waits before it is started again: container_exited. It ended with exit code 1. It was restarted 4 times. The next try is due now.',
      ],
    ],
  ])('when %s', (_what, status, expected) => {
    expect(lines(status)).toEqual(expected);
  });

  it('is asked by name', async () => {
    hub.put('apps', app('web'));
    expect((await cli(hub, ['why', 'app/web'])).out).toBe('web runs on its node.\n');
  });
});
