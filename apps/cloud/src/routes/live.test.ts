import { endpoints, liveMessage, type LiveMessage } from '@selvage/protocol';
import { until } from '@selvage/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DIALECTS, testDatabases } from '../db/test-databases.js';
import { TestHub } from '../test-hub.js';

/** Somebody who looks at a route. */
class Reader {
  readonly messages: LiveMessage[] = [];
  ended = false;
  private text = '';

  constructor(answer: Response) {
    this.read(answer).then(
      () => (this.ended = true),
      () => (this.ended = true),
    );
  }

  private async read({ body }: Response): Promise<void> {
    for await (const chunk of body ?? []) this.take(Buffer.from(chunk as Uint8Array).toString());
  }
  private take(text: string): void {
    const events = `${this.text}${text}`.split('\n\n');
    this.text = events.pop() ?? '';
    for (const event of events.filter((one) => one.startsWith('data: ')))
      this.messages.push(liveMessage.parse(JSON.parse(event.slice(6))));
  }
}

describe.each(DIALECTS)('the live feed of a route on %s', (dialect) => {
  const databases = testDatabases(dialect);
  let hub: TestHub;
  beforeAll(async () => {
    hub = await TestHub.start(await databases.fresh());
    for (const name of ['seen', 'gone', 'flood']) await route(name, { endpoint: 'live' });
    await put('nodes/n', {});
    await route('away', { endpoint: 'edge', node: 'n', topic: 'user/x' });
  }, 60_000);
  afterAll(() => hub.stop());

  const base = '/api/v1/projects/default';
  const put = (path: string, spec: object) => hub.ask({ method: 'PUT', path: `${base}/${path}`, body: { spec } });
  async function route(name: string, target: object): Promise<void> {
    const source = { endpoint: 'rest', path: `/${name}/{rest...}` };
    expect(await put(`routes/${name}`, { source, target })).toMatchObject({ status: 200 });
  }
  const send = (path: string, body: Uint8Array | string): Promise<Response> =>
    fetch(`${hub.url}/gateway/default${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${hub.admin}`, 'content-type': 'text/x' },
      body: typeof body === 'string' ? body : Buffer.from(body),
    });
  const look = async (name: string, token = hub.admin): Promise<Reader> => {
    const answer = await hub.open({ method: 'GET', path: `${base}/routes/${name}/live`, token });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
    return new Reader(answer);
  };

  it('shows every reader each message once', async () => {
    const readers = [await look('seen'), await look('seen')];
    const body = Uint8Array.of(0, 255, 10, 10);
    const { id } = (await (await send('/seen/a', body)).json()) as { id: string };
    await send('/seen/b', Buffer.alloc(20_000, 'x'));
    for (const reader of readers) {
      await until(() => reader.messages.length === 2);
      const [first, second] = reader.messages;
      expect(first).toMatchObject({ id, topic: '/seen/a', contentType: 'text/x', size: 4 });
      expect([...Buffer.from(first?.payload ?? '', 'base64')]).toEqual([...body]);
      expect(second?.size).toBe(20_000);
      expect(Buffer.from(second?.payload ?? '', 'base64')).toHaveLength(16_384);
    }
  });

  it('is that of routes to live only', async () => {
    for (const [name, code] of [
      ['away', 'bad_request'],
      ['none', 'not_found'],
    ])
      expect(await hub.ask({ method: 'GET', path: `${base}/routes/${name}/live` })).toMatchObject({ code });
  });

  it('ends with the token of its reader', async () => {
    const reader = await look('seen', await hub.makeToken({ name: 'looker', role: 'viewer' }));
    const { method, path } = endpoints.tokens.remove;
    await hub.ask({ method, path: path.replace('{name}', 'looker') });
    await until(() => reader.ended);
  });

  it('ends with its route', async () => {
    const readers = [await look('gone'), await look('seen')];
    await hub.ask({ method: 'DELETE', path: `${base}/routes/gone` });
    await until(() => readers[0]?.ended === true);
    expect(readers[1]?.ended).toBe(false);
  });
});
