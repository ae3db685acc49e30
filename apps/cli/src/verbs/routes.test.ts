import { endpointSpec, LATENCY_MS, routeSpec } from '@selvage/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { cli, FakeHub, send } from '../fake-hub.js';

const hub = new FakeHub();
beforeAll(() => hub.start());
afterAll(() => hub.stop());
beforeEach(() => {
  hub.reset();
});

const PATH = '/api/v1/projects/default';
const head = {
  project: 'default',
  labels: {},
  revision: 4,
  createdAt: '2030-01-01T10:00:00Z',
  updatedAt: '2030-01-01T10:00:00Z',
};
const none = { taken: 0, forwarded: 0, filtered: 0, failed: 0, bytes: 0, dead: 0 };
const empty = LATENCY_MS.map(() => 0).concat(0);
const quiet = {
  ...none,
  dropped: [],
  errors: [],
  backlog: { count: 0, bytes: 0 },
  latency: { buckets: empty },
};

function route(name: string, spec: object, status: object = {}) {
  const given = { source: { endpoint: 'edge', topic: 'user/#' }, target: { endpoint: 'alarms' }, ...spec };
  return {
    ...head,
    name,
    spec: routeSpec.parse(given),
    status: { state: 'active', detail: '', stats: quiet, ...status },
  };
}

const alarms = {
  ...{ ...head, name: 'alarms' },
  spec: endpointSpec.parse({ kind: 'webhook', url: 'https://a.example/in', secret: 'key', headers: { 'X-Site': 'a' } }),
  status: { usedBy: ['readings'], state: 'failing', detail: 'a.example answered 500', since: '2030-01-01T11:55:00Z' },
};
const stats = {
  ...{ taken: 900, forwarded: 400, filtered: 10, failed: 7, bytes: 4096, dead: 2 },
  dropped: [
    { reason: 'budget', count: 417, from: '2030-01-01T02:10:00Z', to: '2030-01-01T02:31:59Z' },
    { node: 'edge-1', reason: 'expired', count: 1, from: '2029-12-31T23:59:00Z', to: '2029-12-31T23:59:30Z' },
  ],
  backlog: { count: 12, bytes: 2048, oldestSeconds: 300 },
  latency: { buckets: empty.with(2, 390).with(6, 10), p50Ms: 25, p99Ms: 1000 },
  errors: [{ at: '2030-01-01T11:59:00Z', node: 'edge-1', detail: 'a.example answered 500: busy' }],
};
const readings = route(
  'readings',
  { filter: 'payload.t > 20', ttlSeconds: 60, rate: { perSecond: 5 } },
  { state: 'failing', detail: 'a.example answered 500', stats },
);

describe('routes', () => {
  it('are listed with what they carried and where they lead', async () => {
    const orders = route('orders', {
      source: { endpoint: 'rest', path: '/orders/{id}' },
      target: { endpoint: 'edge', topic: 'user/orders/{id}', node: 'edge-1' },
    });
    const source = { endpoint: 'edge', topic: 'user/#', nodes: { nodes: [], selector: 'site=a' } };
    const events = route('seen', { source: { endpoint: 'events', types: ['node.*'] }, target: { endpoint: 'live' } });
    hub.on(`GET ${PATH}/routes`, { items: [orders, readings, route('south', { source }), events] });
    const { out } = await cli(hub, ['get', 'routes']);
    expect(out.split('\n').map((line) => line.replace(/ {2,}/g, ' | '))).toEqual([
      'NAME | SOURCE → TARGET | STATE | FORWARDED | FAILED | BACKLOG | DEAD | REASON',
      'orders | rest POST /orders/{id} → edge user/orders/{id} on edge-1 | active | 0 | 0 | 0 | 0',
      'readings | edge user/# → alarms | failing | 400 | 7 | 12 (2.0 KiB) | 2 | a.example answered 500',
      'south | edge user/# of site=a → alarms | active | 0 | 0 | 0 | 0',
      'seen | events node.* → live | active | 0 | 0 | 0 | 0',
      '',
    ]);
    expect((await cli(hub, ['get', 'routes', '--state', 'failing', '-o', 'name'])).out).toBe('route/readings\n');
    expect((await cli(hub, ['get', 'routes', '--state', 'broken'])).code).toBe(2);
  });

  it('are described with drops, latency, backlog and the last errors', async () => {
    hub.on(`GET ${PATH}/routes/readings`, readings);
    const { out } = await cli(hub, ['describe', 'route/readings']);
    for (const line of [
      /^state: +failing \(wanted: active\)$/m,
      /^filter: +payload\.t > 20$/m,
      /^order: +kept for each topic$/m,
      /^of use for: +60s$/m,
      /^rate: +at most 5 a second$/m,
      /^tries: +10, 1s to 5m apart$/m,
      /^budget: +256 MiB, 7d; when full: drop-oldest$/m,
      /^ {2}forwarded: +400, 4\.0 KiB$/m,
      /^ {2}backlog: +12, 2\.0 KiB, the oldest 5m old$/m,
      /^ {2}latency: +half up to 25 ms, 99 % up to 1s$/m,
      /^ {2}417 messages dropped 02:10–02:31: budget$/m,
      /^ {2}1 message dropped 2029-12-31 23:59 on edge-1: expired$/m,
      /^ {2}60s ago on edge-1: a\.example answered 500: busy$/m,
    ])
      expect(out).toMatch(line);
  });

  it('are written as the manifests that make them', async () => {
    hub.on(`GET ${PATH}/routes/readings`, readings);
    const { out } = await cli(hub, ['get', 'route', 'readings', '-o', 'manifest']);
    hub.on(`PUT ${PATH}/routes/readings`, readings);
    expect((await cli(hub, ['apply', '-f', '-'], { input: out })).out).toBe('route/readings unchanged\n');
  });

  it.each([
    ['pause', 'paused', 'paused'],
    ['resume', 'active', 'resumed'],
    ['stop', 'stopped', 'stopped'],
  ])('can be told to %s', async (verb, state, done) => {
    hub.on(`PATCH ${PATH}/routes/readings`, readings);
    expect((await cli(hub, ['route', verb, 'route/readings'])).out).toBe(`route/readings ${done}\n`);
    expect(hub.asked[0]?.body).toEqual({ spec: { state } });
  });
});

describe('dead letters', () => {
  const letter = {
    ...{ id: '41', at: '2030-01-01T11:59:00Z', topic: 'default/nodes/edge-1/user/t', code: 'endpoint_failed' },
    ...{ detail: 'a.example answered 400', size: 2, payload: Buffer.from('{}').toString('base64') },
  };

  it('are listed', async () => {
    hub.on(`GET ${PATH}/routes/readings/dead-letters`, { items: [letter] });
    const { out } = await cli(hub, ['route', 'dead', 'readings', '-o', 'wide']);
    expect(out).toMatch(
      /^41 +60s +default\/nodes\/edge-1\/user\/t +2 B +endpoint_failed +a\.example answered 400 +\{\}$/m,
    );
    hub.on(`GET ${PATH}/routes/readings/dead-letters`, { items: [] });
    expect((await cli(hub, ['route', 'dead', 'readings'])).err).toBe('route/readings gave up no message.\n');
  });

  it('are sent again, all of them or some', async () => {
    hub.on(`POST ${PATH}/routes/readings/dead-letters/replay`, { count: 2 });
    expect((await cli(hub, ['route', 'replay', 'readings'])).out).toBe('route/readings: 2 messages sent again\n');
    await cli(hub, ['route', 'replay', 'readings', '41', '42']);
    expect(hub.asked.map(({ body }) => body)).toEqual([{}, { ids: ['41', '42'] }]);
  });

  it('are thrown away by whoever says so', async () => {
    hub.on(`POST ${PATH}/routes/readings/dead-letters/discard`, { count: 1 });
    expect((await cli(hub, ['route', 'discard', 'readings', '41'])).code).toBe(2);
    expect((await cli(hub, ['route', 'discard', 'readings', '41'], { input: 'n\r', typed: true })).code).toBe(1);
    expect(hub.asked).toEqual([]);
    const { out } = await cli(hub, ['route', 'discard', 'readings', '41', '--yes']);
    expect(out).toBe('route/readings: 1 message thrown away\n');
  });
});

describe('selvage route watch', () => {
  const seen = (payload: string | Buffer, more: object = {}): string => {
    const content = Buffer.from(payload);
    const own = { id: 'm', at: '2030-01-01T12:00:01.250Z', topic: 'a/b', size: content.length };
    return `data: ${JSON.stringify({ ...own, payload: content.toString('base64'), ...more })}\n\n`;
  };

  it('shows a line for each message, connects again, and ends with Ctrl-C', async () => {
    const stop = new AbortController();
    let opened = 0;
    hub.on(`GET ${PATH}/routes/readings/live`, (_asked, to) => {
      opened += 1;
      to.writeHead(200, { 'content-type': 'text/event-stream' });
      to.write(': listening\n\n');
      if (opened === 1) to.end(seen('{"t":\n21.5}') + seen(Buffer.from([0, 255, 7])) + 'data: nonsense\n\n');
      else to.write(seen('21\u{1F321}'.repeat(3), { size: 99_999, missed: 4 }));
    });
    const { code, out, err } = await cli(hub, ['route', 'watch', 'readings'], {
      signal: stop.signal,
      onOutput: (said) => {
        if (said.includes('KiB')) stop.abort();
      },
    });
    expect({ code, lines: out.split('\n') }).toEqual({
      code: 0,
      lines: [
        '12:00:01.250 a/b {"t": 21.5}',
        '12:00:01.250 a/b (3 B, not text)',
        '12:00:01.250 a/b 21\u{1F321}21\u{1F321}21\u{1F321} … (98 KiB)',
        '',
      ],
    });
    expect(err).toBe('selvage: 4 messages came faster than they could be shown.\n');
  });

  it('gives each as a line of JSON, with all that was in it', async () => {
    const stop = new AbortController();
    const topic = 'a/\u200Bb\u202Ec';
    hub.on(`GET ${PATH}/routes/readings/live`, (_asked, to) =>
      to.writeHead(200, { 'content-type': 'text/event-stream' }).write(seen('21.5', { topic })),
    );
    const onOutput = (): void => {
      stop.abort();
    };
    const { out } = await cli(hub, ['route', 'watch', 'readings', '-o', 'json'], { signal: stop.signal, onOutput });
    expect(out).toContain('a/\\u200bb\\u202ec');
    expect(JSON.parse(out)).toMatchObject({ topic });
  });

  it('tells of a route that is not there', async () => {
    expect((await cli(hub, ['route', 'watch', 'readings'])).code).toBe(1);
  });
});

describe('endpoints', () => {
  it('are listed with where they are and why they fail', async () => {
    const kinds = [
      { kind: 'service', port: 8080 },
      { kind: 'kafka', brokers: ['a:9092', 'b:9092'] },
      { kind: 's3', url: 'https://s3.example', bucket: 'lake', secret: 'key' },
      { kind: 'postgres', host: 'db', database: 'shop', table: 'readings' },
    ].map((spec) => ({
      ...{ ...head, name: spec.kind, spec: endpointSpec.parse(spec) },
      status: { usedBy: [], state: 'idle', detail: '' },
    }));
    hub.on(`GET ${PATH}/endpoints`, { items: [alarms, ...kinds] });
    const { out } = await cli(hub, ['get', 'endpoints']);
    expect(out).toMatch(/^alarms +webhook +https:\/\/a\.example\/in +failing +readings +2h +a\.example answered 500$/m);
    expect(out).toMatch(/^service +service +port 8080 of the node +idle/m);
    expect(out).toMatch(/^kafka +kafka +a:9092,b:9092 +idle/m);
    expect(out).toMatch(/^s3 +s3 +https:\/\/s3\.example lake +idle/m);
    expect(out).toMatch(/^postgres +postgres +db:5432\/shop readings +idle/m);
  });

  it('are described, headers and secret by name', async () => {
    hub.on(`GET ${PATH}/endpoints/alarms`, alarms);
    const { out } = await cli(hub, ['describe', 'endpoint', 'alarms']);
    for (const line of [
      /^kind: +webhook$/m,
      /^headers: +X-Site: a$/m,
      /^secret: +key$/m,
      /^timeout seconds: +30$/m,
      /^since: +2030-01-01 11:55:00Z \(5m ago\)$/m,
      /^routes: +readings$/m,
    ])
      expect(out).toMatch(line);
  });

  it('can be tried', async () => {
    hub.on(`POST ${PATH}/endpoints/alarms/test`, { ok: true, detail: 'It can be reached.', tookMs: 12.4 });
    expect((await cli(hub, ['endpoint', 'test', 'alarms'])).out).toBe('endpoint/alarms can be reached (12 ms)\n');
    hub.on(`POST ${PATH}/endpoints/alarms/test`, { ok: false, detail: 'a.example answered 401.', tookMs: 12 });
    expect(await cli(hub, ['endpoint', 'test', 'endpoint/alarms'])).toMatchObject({
      code: 1,
      err: 'selvage: endpoint/alarms cannot be reached: a.example answered 401.\n',
    });
  });
});

it('secrets are applied before endpoints, and endpoints before routes', async () => {
  const documents = [
    { kind: 'Route', name: 'readings', spec: { source: readings.spec.source, target: readings.spec.target } },
    { kind: 'Endpoint', name: 'alarms', spec: alarms.spec },
    { kind: 'Secret', name: 'key', spec: { type: 'data', properties: { signing: 'x' }, nodes: [] } },
  ];
  for (const [plural, item] of Object.entries({ routes: readings, endpoints: alarms }))
    hub.on(`PUT ${PATH}/${plural}/${item.name}`, (_asked, to) => {
      send(to, 200, item);
    });
  hub.on(`PUT ${PATH}/secrets/key`, (_asked, to) => {
    const spec = { type: 'data', properties: ['signing'], nodes: [] };
    send(to, 200, { ...head, name: 'key', spec, status: { usedBy: [] } });
  });
  const input = documents.map((one) => JSON.stringify(one)).join('\n---\n');
  const first = await cli(hub, ['apply', '-f', '-', '--dry-run'], { input });
  expect(first.out).toMatch(/^secret\/key would be created[^]*^endpoint\/alarms would[^]*^route\/readings would/m);
  const { out, err } = await cli(hub, ['apply', '-f', '-'], { input });
  expect([out, err]).toEqual(['secret/key created\nendpoint/alarms created\nroute/readings created\n', '']);
  hub.put('routes', readings);
  hub.put('endpoints', alarms);
  const gone = await cli(hub, ['delete', 'route/readings', 'endpoint/alarms', '--yes']);
  expect(gone.out).toBe('route/readings deleted\nendpoint/alarms deleted\n');
});
