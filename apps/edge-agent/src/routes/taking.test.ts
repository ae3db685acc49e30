import { OutboxRefusal } from '@selvage/outbox';
import { MAX_HOPS, MAX_ROUTED_PAYLOAD } from '@selvage/protocol';
import { FakeClock } from '@selvage/testkit';
import { decodeRouted } from '@selvage/wire';
import { beforeEach, describe, expect, it } from 'vitest';
import { Counts } from './counts.js';
import { Taking } from './taking.js';
import { NODE, TestOutbox, wantedRoute } from './test-route.js';

describe('a route takes a message', () => {
  let hub: TestOutbox;
  let local: TestOutbox;
  let counts: Counts;
  let ids = 0;
  const taking = (more: Parameters<typeof wantedRoute>[1] = {}): Taking => {
    const newId = (): string => `${String((ids += 1)).padStart(8, '0')}-0000-4000-8000-000000000000`;
    return new Taking(wantedRoute('r', more), { hub, local, counts, node: NODE, newId });
  };
  const came = (payload: string | Uint8Array, more: object = {}) => {
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
    return { topic: 't/1', payload: bytes, at: 1_000.4, device: 'd', hops: [], ...more };
  };
  const counted = (): object => {
    const { taken, filtered, failed, drops, errors } = counts.of('r');
    return { taken, filtered, failed, drops: Object.keys(drops), errors: errors.map(({ detail }) => detail) };
  };

  beforeEach(() => {
    [hub, local, counts, ids] = [new TestOutbox(), new TestOutbox(), new Counts(new FakeClock()), 0];
  });

  it('in an envelope that says all that is known of it, and byte for byte', async () => {
    const payload = Buffer.from([0, 255, 128, 10]);
    await taking({ ttlSeconds: 60 }).take(came(payload), { 1: '1' });
    const [{ body, ...message } = { body: Buffer.alloc(0) }] = hub.messages;
    expect(message).toEqual({ lane: 'routes/r', key: 't/1', at: 1_000, ttlMs: 60_000 });
    const { vars, ...routed } = decodeRouted(body);
    const id = '00000001-0000-4000-8000-000000000000';
    expect({ ...routed, payload: Buffer.from(routed.payload) }).toEqual({
      ...{ id, topic: 't/1', node: 'n1', device: 'd', at: 1_000, hops: ['r'], payload },
      traceparent: '00-00000002000040008000000000000000-8000000000000000-01',
    });
    expect(vars).toEqual({ 1: '1', topic: 't/1', node: 'n1', device: 'd', project: 'default', id });
    expect(counted()).toEqual({ taken: 1, filtered: 0, failed: 0, drops: [], errors: [] });
  });

  it.each([
    ['topic', 't/1'],
    ['device', 'd'],
    ['route', undefined],
    ['none', '00000001-0000-4000-8000-000000000000'],
  ] as const)('in order of its %s', async (order, key) => {
    await taking({ order }).take(came('x'), {});
    expect(hub.messages[0]?.key).toBe(key);
  });

  it('into the outbox of this node when its target is here', async () => {
    await taking({ target: { kind: 'service', port: 80, path: '/', timeoutSeconds: 1 } }).take(came('x'), {});
    expect([local.told, hub.told]).toEqual([['routes/r t/1 x'], []]);
  });

  it('filtered and transformed', async () => {
    const route = taking({ filter: 'payload.t > 20', transform: '{"t": payload.t, "of": topic}' });
    await route.take(came('{"t":21}'), {});
    expect(route.take(came('{"t":20}'), {})).toBeUndefined();
    expect(hub.told).toEqual(['routes/r t/1 {"t":21,"of":"t/1"}']);
    expect(decodeRouted(hub.messages[0]?.body ?? Buffer.alloc(0)).contentType).toBe('application/json');
    expect(counted()).toMatchObject({ taken: 2, filtered: 1, failed: 0 });
  });

  it.each([
    ['an expression makes nothing of', { filter: 'payload.t > 20' }, 'no number', 'filter: '],
    ['an expression that this agent cannot read is for', { transform: 'newer(payload)' }, '{}', 'transform: '],
  ])('that %s, keeps it as it came, and counts it as failed', async (_what, more, payload, words) => {
    await taking(more).take(came(payload), {});
    expect([local.told, hub.told]).toEqual([[`failed/r t/1 ${payload}`], []]);
    const { detail = '' } = counts.of('r').errors[0] ?? {};
    expect(detail.slice(0, words.length)).toBe(words);
    expect(counted()).toMatchObject({ taken: 1, failed: 1 });
  });

  it.each([
    ['larger than a route carries', came(Buffer.alloc(MAX_ROUTED_PAYLOAD + 1)), 'too-large', '524289 bytes'],
    ['with a topic that is too long', came('x', { topic: 'x'.repeat(1_025) }), 'too-large', '1025 characters'],
    ['that went through it before', came('x', { hops: ['q', 'r'] }), 'loop', 'this route already'],
    ['that goes in circles', came('x', { hops: new Array(MAX_HOPS).fill('q') }), 'loop', '16 routes already'],
  ])('%s not at all, and says so', (_what, message, reason, words) => {
    expect(taking().take(message, {})).toBeUndefined();
    expect(hub.messages).toEqual([]);
    expect(counted()).toMatchObject({ taken: 1, failed: 0, drops: [reason] });
    expect(counts.of('r').errors[0]?.detail).toContain(words);
  });

  it('as large as may be', async () => {
    await taking().take(came(Buffer.alloc(MAX_ROUTED_PAYLOAD, 7)), {});
    expect(decodeRouted(hub.messages[0]?.body ?? Buffer.alloc(0)).payload).toHaveLength(MAX_ROUTED_PAYLOAD);
  });

  it('only when the disk does, or it would never fit', async () => {
    hub.refusal = new OutboxRefusal('full', 'All is used.');
    await expect(taking().take(came('x'), {})).rejects.toMatchObject({ code: 'full' });
    expect(counted()).toMatchObject({ taken: 0, failed: 0 });
    hub.refusal = new OutboxRefusal('too_large', 'More than its whole budget.');
    await taking().take(came('x'), {});
    expect(counted()).toMatchObject({ taken: 1, failed: 1, errors: ['More than its whole budget.'] });
  });
});
