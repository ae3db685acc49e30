import { brokerLimits } from '@selvage/protocol';
import { describe, expect, it } from 'vitest';
import type { Outlet } from './session.js';
import { type Records, SessionStore } from './session-store.js';

/** Records in memory. */
class Kept implements Records {
  readonly all = new Map<string, Buffer>();

  put(key: string, value: Uint8Array): Promise<void> {
    this.all.set(key, Buffer.from(value));
    return Promise.resolve();
  }

  delete(key: string): Promise<void> {
    this.all.delete(key);
    return Promise.resolve();
  }

  async *read(prefix: string): AsyncGenerator<readonly [key: string, value: Buffer]> {
    await Promise.resolve();
    for (const entry of [...this.all].sort()) if (entry[0].startsWith(prefix)) yield entry;
  }

  get bytes(): number {
    return [...this.all].reduce((sum, [key, value]) => sum + key.length + value.length, 0);
  }
}

/** A client that takes everything and acknowledges nothing. */
class Silent implements Outlet {
  isCut = false;
  offer(): void {
    return undefined;
  }
  wake(): void {
    return undefined;
  }
  cut(): void {
    this.isCut = true;
  }
}

const MIB = 1024 * 1024;

class Store {
  readonly lost: Record<string, string[]> = {};
  readonly sessions: SessionStore;
  #now = 0;

  constructor(
    readonly records = new Kept(),
    limits: object = {},
  ) {
    const set = brokerLimits.parse(limits);
    const clock = { now: () => (this.#now += 1) };
    this.sessions = new SessionStore({
      ...{ records, clock, limits: () => set },
      dropped: (reason, what) => (this.lost[reason] ??= []).push(what),
    });
  }

  async begin(id: string, filter: string): Promise<void> {
    await this.sessions.keep(id);
    await this.sessions.subscribe(id, [{ topic: filter, qos: 1 }]);
  }

  async publish(topic: string, bytes: number): Promise<void> {
    const payload = Buffer.alloc(bytes);
    await this.sessions.enqueue({ cmd: 'publish', topic, payload, qos: 1, retain: false });
  }

  topics(id: string): string[] {
    return [...(this.sessions.get(id)?.queue ?? [])].map(({ topic }) => topic);
  }
}

describe('the sessions of one identity', () => {
  it('are as many as the limit says: the one that was away longest gives way', async () => {
    const store = new Store(new Kept(), { sessionsPerClient: 3 });
    await store.begin('device/other/0', 'x');
    for (let at = 0; at < 400; at += 1) await store.begin(`device/d1/${at}`, 't/#');
    await store.publish('t/1', 100);
    const last = ['device/d1/397', 'device/d1/398', 'device/d1/399'];
    expect(store.sessions.ids).toEqual(['device/other/0', ...last]);
    expect(store.lost.client_sessions_full).toHaveLength(397);
    expect([...store.records.all.keys()].filter((key) => key.startsWith('q/'))).toHaveLength(3);
  });

  it('are no more than that when all their clients are there', async () => {
    const store = new Store(new Kept(), { sessionsPerClient: 2 });
    for (const id of ['device/d1/a', 'device/d1/b']) {
      await store.begin(id, 't/#');
      const session = store.sessions.get(id);
      if (session !== undefined) session.outlet = new Silent();
    }
    expect(store.sessions.hasRoomFor('device/d1/b')).toBe(true);
    expect(store.sessions.hasRoomFor('device/d1/c')).toBe(false);
    expect(store.sessions.hasRoomFor('device/d2/c')).toBe(true);
    await expect(store.sessions.keep('device/d1/c')).rejects.toThrow('too many sessions');
  });

  it('are not counted together for the programs of the node', async () => {
    const store = new Store(new Kept(), { sessionsPerClient: 2 });
    for (let at = 0; at < 5; at += 1) await store.begin(`local/local/${at}`, 't/#');
    expect(store.sessions.count).toBe(5);
  });

  it('give way first when the broker has no room for another session', async () => {
    const store = new Store(new Kept(), { sessions: 4 });
    await store.begin('device/first/0', 'x');
    for (let at = 0; at < 4; at += 1) await store.begin(`device/d1/${at}`, 't/#');
    await store.begin('device/last/0', 'x');
    expect(store.sessions.ids).toEqual(['device/first/0', 'device/d1/2', 'device/d1/3', 'device/last/0']);
  });

  it('are cut down to the limit when the agent starts, with all that was kept for them', async () => {
    const records = new Kept();
    const before = new Store(records);
    for (let at = 0; at < 5; at += 1) await before.begin(`device/d1/${at}`, 't/#');
    await before.publish('t/1', 100);
    await before.sessions.took('device/d1/0', 7);
    const after = new Store(records, { sessionsPerClient: 2 });
    await after.sessions.load();
    expect(after.sessions.ids).toEqual(['device/d1/3', 'device/d1/4']);
    expect([...records.all.keys()].map((key) => key.slice(0, 2)).sort()).toEqual(['q/', 'q/', 's/', 's/']);
  });
});

describe('the room for what waits for all clients', () => {
  const LIMITS = { queueTotalBytes: MIB };

  it('is not exceeded, whatever ids and topics a device chooses', async () => {
    const store = new Store(new Kept(), LIMITS);
    for (let at = 0; at < 16; at += 1) await store.begin(`device/d1/${'/'.repeat(1_000)}${at}`, 't/#');
    for (let at = 0; at < 200; at += 1) await store.publish(`t/${'ü'.repeat(400)}${at}`, 1);
    expect(store.sessions.waiting.bytes).toBeLessThanOrEqual(MIB);
    expect(store.records.bytes).toBeLessThan(1.2 * MIB);
  });

  it('is for one alone while nobody else needs it, and its own oldest messages give way', async () => {
    const store = new Store(new Kept(), LIMITS);
    await store.begin('device/d1/a', 't/#');
    for (let at = 0; at < 12; at += 1) await store.publish(`t/${at}`, 100_000);
    expect(store.topics('device/d1/a')).toEqual(Array.from({ length: 10 }, (_, at) => `t/${at + 2}`));
    expect(store.lost.queue_total_full).toEqual(['t/0', 't/1']);
  });

  it('costs nobody a message who has no more than an equal share', async () => {
    const store = new Store(new Kept(), LIMITS);
    await store.begin('device/greedy/a', 'g/#');
    await store.begin('device/greedy/b', 'g/#');
    await store.begin('device/modest/a', 'm/#');
    for (let at = 0; at < 20; at += 1) await store.publish(`g/${at}`, 100_000);
    for (let at = 0; at < 5; at += 1) await store.publish(`m/${at}`, 100_000);
    for (let at = 20; at < 40; at += 1) await store.publish(`g/${at}`, 100_000);
    expect(store.topics('device/modest/a')).toEqual(['m/0', 'm/1', 'm/2', 'm/3', 'm/4']);
    expect(store.lost.queue_total_full?.every((topic) => topic.startsWith('g/'))).toBe(true);
    expect(store.topics('device/greedy/b').at(-1)).toBe('g/39');
  });

  it('is taken from a client that holds more than its share by acknowledging nothing: it is cut off', async () => {
    const store = new Store(new Kept(), LIMITS);
    const [silent, session] = [new Silent(), 'device/greedy/a'];
    await store.begin(session, 'g/#');
    await store.begin('device/modest/a', 'm/#');
    for (let at = 0; at < 10; at += 1) await store.publish(`g/${at}`, 100_000);
    const held = store.sessions.get(session);
    if (held === undefined) throw new Error('no session');
    held.outlet = silent;
    for (const message of [...held.queue]) held.number(message);
    await store.publish('m/0', 100_000);
    expect(store.topics('device/modest/a')).toEqual(['m/0']);
    expect(silent.isCut).toBe(true);
    expect(store.sessions.get(session)).toBeUndefined();
  });

  it('is kept to when the agent starts', async () => {
    const records = new Kept();
    const before = new Store(records);
    await before.begin('device/d1/a', 't/#');
    for (let at = 0; at < 30; at += 1) await before.publish(`t/${at}`, 100_000);
    const after = new Store(records, LIMITS);
    await after.sessions.load();
    expect(after.topics('device/d1/a')).toEqual(Array.from({ length: 10 }, (_, at) => `t/${at + 20}`));
    expect(records.bytes).toBeLessThan(1.2 * MIB);
  });
});
