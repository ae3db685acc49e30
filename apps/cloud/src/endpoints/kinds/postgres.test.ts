import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Away } from '@selvage/outbox';
import { FakeClock, type Postgres, startPostgres, until } from '@selvage/testkit';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Target } from './kind.js';
import { postgres } from './postgres.js';
import { Reach } from './reach.js';
import { deliver, open as openKind, outgoing, refusal, test, testCertificates } from './test-target.js';

describe('a table of PostgreSQL', () => {
  let server: Postgres;
  let url: URL;
  const opened: Target[] = [];
  const specOf = (more: object = {}): object => ({
    host: url.hostname,
    port: Number(url.port),
    database: url.pathname.slice(1),
    table: 'readings',
    tls: false,
    ...more,
  });
  const rightly = (): Record<string, string> => ({ username: url.username, password: url.password });
  const open = (more: object = {}, given: Parameters<typeof openKind>[2] = {}): Target => {
    const target = openKind(postgres, specOf(more), { credentials: rightly(), ...given });
    opened.push(target);
    return target;
  };
  const query = async (text: string): Promise<Record<string, unknown>[]> => {
    const client = new pg.Client(url.href);
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(text)).rows;
    } finally {
      await client.end();
    }
  };
  const ids = async (table = 'readings'): Promise<unknown[]> =>
    (await query(`SELECT id FROM ${table} ORDER BY id`)).map(({ id }) => id);

  beforeAll(async () => {
    server = await startPostgres();
    url = new URL(await server.createDatabase());
  });
  afterEach(() => Promise.all(opened.splice(0).map((target) => target.close())));
  afterAll(() => server.stop());

  it('is made when it is missing, and has each message once, however often it comes', async () => {
    const target = open({ table: 'made' });
    const message = {
      payload: Buffer.from('{"v":1.5}'),
      contentType: 'application/json',
      topic: "a'b/ü\\{}",
    };
    const first = outgoing(1, { message });
    const binary = outgoing(2, {
      message: { payload: Buffer.from([0, 255, 92, 39]), node: undefined, device: undefined },
    });
    expect(await deliver(target, first, binary)).toEqual([{ is: 'delivered' }, { is: 'delivered' }]);
    expect(await deliver(target, first, outgoing(3), first)).toHaveLength(3);
    expect(await ids('made')).toEqual(['m-1', 'm-2', 'm-3']);
    const [one, two] = await query('SELECT * FROM made ORDER BY id');
    expect(one).toEqual({
      id: 'm-1',
      project: 'default',
      route: 'r1',
      node: 'n1',
      device: 'd1',
      topic: message.topic,
      at: new Date('2030-01-01T12:00:00Z'),
      content_type: 'application/json',
      payload: message.payload,
      json: { v: 1.5 },
    });
    expect(two).toMatchObject({ node: null, device: null, json: null, payload: Buffer.from([0, 255, 92, 39]) });
  });

  it('has a thousand messages after one statement, and those of many batches at once', async () => {
    const target = open({ table: 'many' });
    await deliver(target, outgoing(0));
    const batches = Array.from({ length: 6 }, (_, batch) =>
      Array.from({ length: 1000 }, (_unused, index) => outgoing(batch * 1000 + index + 1)),
    );
    await Promise.all(batches.map((batch) => deliver(target, ...batch)));
    expect(await query('SELECT count(*)::int AS count FROM many')).toEqual([{ count: 6001 }]);
  });

  it('that was there with columns of its own gets ours, and a schema is part of its name', async () => {
    await query('CREATE SCHEMA plant');
    await query(
      'CREATE TABLE plant.own (id text PRIMARY KEY, project text, route text, node text, device text, topic text, at timestamptz, ' +
        'content_type text, payload bytea, json jsonb, seen timestamptz DEFAULT now())',
    );
    expect(await deliver(open({ table: 'plant.own' }), outgoing(1))).toEqual([{ is: 'delivered' }]);
    expect(await ids('plant.own')).toEqual(['m-1']);
  });

  it.each([
    ['a NUL', '{"a":"\\u0000"}'],
    ['half a character', '{"a":"\\ud800"}'],
    ['a number beyond all', `{"a":1e${'9'.repeat(9)}}`],
    ['more levels than it can bear', `${'['.repeat(50_000)}${']'.repeat(50_000)}`],
  ])('keeps the bytes of JSON that it cannot hold: %s', async (_what, text) => {
    const target = open({ table: 'odd' });
    const batch = [outgoing(1), outgoing(2, { message: { payload: Buffer.from(text) } }), outgoing(3)];
    expect((await deliver(target, ...batch)).map(({ is }) => is)).toEqual(['delivered', 'delivered', 'delivered']);
    expect(await query("SELECT json IS NULL AS none FROM odd WHERE id = 'm-2'")).toEqual([{ none: true }]);
    await query('DROP TABLE odd');
  });

  it('that refuses one message gets the others, in their order', async () => {
    await deliver(open({ table: 'picky' }), outgoing(0));
    await query("ALTER TABLE picky ADD CHECK (id <> 'm-2')");
    const outcomes = await deliver(open({ table: 'picky' }), outgoing(1), outgoing(2), outgoing(3));
    expect(outcomes).toMatchObject([{ is: 'delivered' }, { is: 'rejected' }, { is: 'delivered' }]);
    expect(outcomes[1]).toHaveProperty('detail', expect.stringMatching(/violates check constraint/));
    expect(await ids('picky')).toEqual(['m-0', 'm-1', 'm-3']);
  });

  it.each([
    [
      'wrong credentials',
      {},
      { username: 'nobody', password: 'x' },
      /password authentication failed for user "nobody"/,
    ],
    ['an unknown database', { database: 'nothing' }, undefined, /database "nothing" does not exist/],
    ['TLS that it has not', { tls: true }, undefined, /does not support SSL/],
  ])('says in its own words what is wrong with %s', async (_what, more, credentials, words) => {
    const target = open(more, { credentials: credentials ?? rightly() });
    await expect(test(target)).rejects.toMatchObject({ detail: expect.stringMatching(words) as string });
    const away = await refusal(deliver(target, outgoing(1)));
    expect(away).toBeInstanceOf(Away);
    expect(away).toHaveProperty('message', expect.stringMatching(words));
    await expect(test(open())).resolves.toBeUndefined();
  });

  it('that may not be made or written says so, and gets the messages once it may', async () => {
    await query("CREATE ROLE writer LOGIN PASSWORD 'writes'");
    const credentials = { username: 'writer', password: 'writes' };
    const target = open({ table: 'guarded' }, { credentials });
    await expect(deliver(target, outgoing(1))).rejects.toThrow(/permission denied for schema public/);
    await deliver(open({ table: 'guarded' }), outgoing(0));
    await expect(deliver(target, outgoing(1))).rejects.toThrow(/permission denied for table guarded/);
    await expect(test(target)).rejects.toMatchObject({ detail: expect.stringMatching(/permission denied/) as string });
    await query('GRANT INSERT, SELECT ON guarded TO writer');
    await expect(test(target)).resolves.toBeUndefined();
    expect(await deliver(target, outgoing(1))).toEqual([{ is: 'delivered' }]);
  });

  it('is reached over TLS, and only with a certificate that is trusted', async () => {
    const { server: own, ca } = await testCertificates(['localhost', '127.0.0.1']);
    for (const [name, pem] of [
      ['server.crt', own.cert],
      ['server.key', own.key],
    ] as const)
      await query(`COPY (SELECT unnest(string_to_array('${pem}', E'\\n'))) TO PROGRAM 'umask 077; cat > ${name}'`);
    await query('ALTER SYSTEM SET ssl TO on');
    await query('SELECT pg_reload_conf()');
    await until(async () => (await query('SHOW ssl'))[0]?.ssl === 'on');
    for (const host of ['localhost', '127.0.0.1'])
      expect(await deliver(open({ host, tls: true, ca, table: 'safe' }), outgoing(1))).toEqual([{ is: 'delivered' }]);
    await expect(deliver(open({ tls: true }), outgoing(2))).rejects.toThrow(/certificate/);
    const others = await testCertificates(['127.0.0.1']);
    await expect(deliver(open({ tls: true, ca: others.ca }), outgoing(2))).rejects.toThrow(/certificate/);
    const elsewhere = new Reach(['127.0.0.0/8'], (_name, _options, callback) => {
      callback(null, [{ address: '127.0.0.1', family: 4 }]);
    });
    const renamed = open({ host: 'other.example', tls: true, ca }, { reach: elsewhere });
    await expect(deliver(renamed, outgoing(2))).rejects.toThrow(/altnames/);
  });

  it('that lacks what is needed says so', async () => {
    await query('CREATE TABLE narrow (id text PRIMARY KEY)');
    await expect(deliver(open({ table: 'narrow' }), outgoing(1))).rejects.toThrow(/column "project".* does not exist/);
  });

  it('whose server goes and comes again has everything that was delivered', async () => {
    const target = open({ table: 'lasting' });
    await deliver(target, outgoing(1));
    await server.down();
    await expect(deliver(target, outgoing(2))).rejects.toBeInstanceOf(Away);
    await expect(deliver(target, outgoing(2))).rejects.toThrow(/ECONNREFUSED/);
    await server.up();
    expect(await deliver(target, outgoing(2))).toEqual([{ is: 'delivered' }]);
    expect(await ids('lasting')).toEqual(['m-1', 'm-2']);
  });

  it('that was dropped is made again', async () => {
    const target = open({ table: 'dropped' });
    await deliver(target, outgoing(1));
    await query('DROP TABLE dropped');
    await expect(deliver(target, outgoing(2))).rejects.toThrow(/does not exist/);
    expect(await deliver(target, outgoing(2))).toEqual([{ is: 'delivered' }]);
  });

  it('whose server says nothing is given up after its time, and left when nobody waits', async () => {
    const silent = createServer((socket) => socket.on('error', () => undefined).resume());
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    const clock = new FakeClock();
    const away = refusal(deliver(open({ port }, { clock }), outgoing(1)));
    await until(() => clock.pending > 0);
    await clock.advance(45_000);
    expect(await away).toHaveProperty('message', expect.stringMatching(/did not answer in 45 s/));
    const stopping = new AbortController();
    const left = refusal(open({ port }).deliver([outgoing(1)], stopping.signal));
    stopping.abort();
    expect(await left).toBeInstanceOf(Away);
    silent.close();
  });

  it.each(['127.0.0.1', 'localhost', '::1', '2130706433'])(
    'is not looked for at %s unless that is allowed',
    async (host) => {
      const target = open({ host }, { reach: new Reach([]) });
      await expect(deliver(target, outgoing(1))).rejects.toThrow(/SELVAGE_ALLOWED_TARGETS/);
    },
  );
});
