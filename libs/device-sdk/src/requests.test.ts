import { FakeClock } from '@selvage/testkit';
import { describe, expect, it } from 'vitest';
import { ConnectedTime } from './connected-time.js';
import { type Asked, idMaker, type Question, Requests } from './requests.js';

function requests(most = 100) {
  const clock = new FakeClock();
  const time = new ConnectedTime(clock);
  const published: { of: Asked; message: Record<string, unknown> }[] = [];
  let ids = 0;
  const all = new Requests(most, {
    publish: (of, payload) => published.push({ of, message: JSON.parse(payload) as Record<string, unknown> }),
    newId: () => String(++ids),
    now: () => 7,
    time,
    settled: () => undefined,
  });
  return { clock, time, all, published, ids: () => published.map(({ message }) => message.event_id) };
}

const report = (parts: Record<string, number>): Question => ({
  of: 'twin/update',
  parts: new Map(Object.entries(parts)),
  body: (left) => ({ twin: Object.fromEntries(left) }),
});
const get: Question = { of: 'twin/get', body: () => ({}) };
const code = (asked: Promise<unknown>): Promise<unknown> =>
  asked.catch((error: unknown) => (error as { code: string }).code);

describe('a question', () => {
  it('is answered by its event id, in any order', async () => {
    const { all, published } = requests();
    all.connected();
    const asked = [all.ask(get), all.ask(report({ a: 1 }))];
    expect(published).toEqual([
      { of: 'twin/get', message: { event_id: '1', timestamp: 7 } },
      { of: 'twin/update', message: { event_id: '2', timestamp: 7, twin: { a: 1 } } },
    ]);
    expect(all.answered('2', 'two')).toBe(true);
    expect(all.answered('1', 'one')).toBe(true);
    expect(all.answered('1', 'again')).toBe(false);
    expect(await Promise.all(asked)).toEqual([{ answer: 'one' }, { answer: 'two' }]);
  });

  it('that waits loses the parts that a newer one of its kind has', async () => {
    const { all, published } = requests();
    const old = all.ask(report({ a: 1 }));
    const half = all.ask(report({ a: 2, b: 2 }));
    void all.ask({ ...report({}), parts: new Map([['a', 3]]) });
    void all.ask({ of: 'state/update', parts: new Map([['b', 1]]), body: () => ({}) });
    expect(await old).toBe('superseded');
    all.connected();
    expect(published.map(({ message }) => message.twin)).toEqual([{ b: 2 }, { a: 3 }, undefined]);
    all.answered('2', {});
    expect(await half).toEqual({ answer: {} });
  });

  it('without parts is sent whole, whatever comes after it', () => {
    const { all, published } = requests();
    void all.ask({ of: 'twin/update', body: () => ({ twin: { a: 1 } }) });
    void all.ask(report({ a: 2 }));
    all.connected();
    expect(published.map(({ message }) => message.twin)).toEqual([{ a: 1 }, { a: 2 }]);
  });

  it('is asked again after a reconnect, in order, at most 16 together', () => {
    const { all, ids } = requests();
    all.connected();
    for (let index = 0; index < 20; index += 1) void all.ask(get);
    expect(ids()).toHaveLength(16);
    all.disconnected();
    all.answered('1', {});
    all.connected();
    expect(ids().slice(16)).toEqual(Array.from({ length: 16 }, (_none, index) => String(index + 2)));
  });

  it('has 30 s of connected time for its answer', async () => {
    const { all, clock, time } = requests();
    const asked = code(all.ask(get));
    await clock.advance(3_600_000);
    time.resume();
    all.connected();
    await clock.advance(20_000);
    time.pause();
    await clock.advance(3_600_000);
    expect(all.size).toBe(1);
    time.resume();
    await clock.advance(9_999);
    expect(all.size).toBe(1);
    await clock.advance(1);
    expect(await asked).toBe('deadline_exceeded');
  });

  it.each([
    [400, 'bad_request'],
    [403, 'forbidden'],
    [404, 'not_found'],
    [409, 'conflict'],
    [500, 'internal'],
    [418, 'internal'],
  ])('that is answered with %s fails as %s', async (number, expected) => {
    const { all } = requests();
    const asked = code(all.ask(get));
    all.answered('1', { code: number, reason: 'because' });
    expect(await asked).toBe(expected);
  });

  it('whose first try may have been written says so when the second is a conflict', async () => {
    const { all } = requests();
    const asked = all.ask(get).catch((error: unknown) => (error as { detail: string }).detail);
    all.connected();
    all.disconnected();
    all.connected();
    all.answered('1', { code: 409 });
    expect(await asked).toContain("may be the device's own write");
  });

  it('too many are refused', async () => {
    const { all } = requests(1);
    void all.ask(get);
    expect(await code(all.ask(get))).toBe('too_many_requests');
  });

  it('has an id that nobody else makes', () => {
    const [one, other] = [idMaker(), idMaker()];
    expect(new Set([one(), one(), other(), other()]).size).toBe(4);
  });
});
