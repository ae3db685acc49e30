import type { Endpoint } from '@selvage/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DIALECTS, testDatabases } from '../db/test-databases.js';
import { CALLED, type TestAnswer, TestHub } from '../test-hub.js';

const base64 = (text: string): string => Buffer.from(text).toString('base64url');
const CURSORS = [
  ...['', '0', '-1', '1.5', '1e3', '1e999', 'NaN', 'Infinity', ' 1', '0x10', "'", '%', 'x'.repeat(512)],
  ...['2147483647', '2147483648', '9007199254740993', '99999999999999999999999', '\u{1f4a5}', 'ä', '\u0000'],
  ...[base64("a' OR 1=1"), base64('\u0000'), base64('a'.repeat(253)), base64('../..'), base64('9'.repeat(18))],
  ...[base64('2030-01-01T00:00:00.000Z 999999999999999999'), base64('9999-99-99T99:99:99.999Z 1'), base64('Z ff')],
  base64('2030-01-01T00:00:00.000Z ffffffffffffffffffffffffffffffffffffffff'),
];
const LIMITS = ['0', '-1', '1001', '1.5', '9007199254740993', '1e999', '', 'x', 'NaN'];
const LISTS = CALLED.filter(([, { method, query }]) => method === 'GET' && query.safeParse({ cursor: 'x' }).success);

describe.each(DIALECTS)('on %s', (dialect) => {
  const databases = testDatabases(dialect);
  let hub: TestHub;
  beforeAll(async () => {
    hub = await TestHub.start(await databases.fresh());
    for (const noun of ['nodes', 'devices', 'clients']) await put(`${noun}/one`, { spec: {} });
    await put('device-models/m', { spec: { properties: { speed: { type: 'int', access: 'rw' } } } });
    await put('devices/fan', { spec: { model: 'm' } });
    await put('routes/one', { spec: { source: { endpoint: 'edge', topic: 'user/#' }, target: { endpoint: 'live' } } });
  });
  afterAll(() => hub.stop());

  const put = (path: string, body: unknown): Promise<TestAnswer> =>
    hub.ask({ method: 'PUT', path: `/api/v1/projects/default/${path}`, body });
  const pathOf = ({ path }: Endpoint, query: string): string =>
    `${path.replace('{project}', 'default').replace('{name}', 'one')}?${query}`;
  const get = (endpoint: Endpoint, query: string): Promise<TestAnswer> =>
    hub.ask({ method: 'GET', path: pathOf(endpoint, query) });

  it.each(LISTS)('%s takes whatever cursor for what it is', async (_name, endpoint) => {
    for (const cursor of CURSORS) {
      const { status, code } = await get(endpoint, `cursor=${encodeURIComponent(cursor)}`);
      const clean = status === 200 || (status === 400 && /^(invalid_cursor|bad_request)$/.test(code ?? ''));
      expect({ cursor, clean, status }).toMatchObject({ clean: true });
    }
  });

  it.each(LISTS)('%s takes a limit from 1 to 1000 once', async (_name, endpoint) => {
    for (const limit of LIMITS) expect(await get(endpoint, `limit=${limit}`)).toMatchObject({ status: 400 });
    for (const query of ['limit=1&limit=1', 'cursor=a&cursor=b', 'labels=a&labels=b'])
      expect(await get(endpoint, query)).toMatchObject({ status: 400, code: 'bad_request' });
  });

  it.each(LISTS)('%s with one key very often is refused at once', async (_name, endpoint) => {
    const [many, tooMany] = [1_500, 10_000].map((times) => Array(times).fill('labels=a').join('&'));
    expect(await get(endpoint, many ?? '')).toMatchObject({ status: 400, code: 'bad_request' });
    expect(await get(endpoint, tooMany ?? '')).toMatchObject({ status: 431 });
  });

  it.each(['9007199254740993', '-9007199254740993', '1e999', '9007199254740991', '-5', '0'])(
    'the number %s is wanted of a device as it is written, or refused',
    async (number) => {
      const path = '/api/v1/projects/default/devices/fan/expected';
      const headers = { authorization: `Bearer ${hub.admin}`, 'content-type': 'application/json' };
      const answer = await fetch(`${hub.url}${path}`, { method: 'PUT', headers, body: `{"speed":${number}}` });
      const text = await answer.text();
      if (Number.isSafeInteger(Number(number)))
        expect([answer.status, text]).toEqual([200, expect.stringContaining(`"${number}"`)]);
      else expect([answer.status, text]).toEqual([400, expect.stringContaining('speed')]);
    },
  );
});
