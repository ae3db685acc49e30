import { until } from '@selvage/testkit';
import type { IClientOptions } from 'mqtt';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Message } from './bus.js';
import { closing, heard, Stage } from './test-stage.js';

describe('the broker', () => {
  let stage: Stage;
  beforeEach(async () => {
    stage = new Stage();
    await stage.start();
  });
  afterEach(async () => {
    await stage.stop();
    stage.folder.remove();
  });

  it.each([0, 1, 2] as const)('brings a message of QoS %i to those who subscribed', async (qos) => {
    const [from, to] = [await stage.connect('d1'), await stage.connect('d2')];
    const messages = heard(to);
    await to.subscribeAsync('t/+', { qos });
    await from.publishAsync('t/a', 'hello', { qos });
    await until(() => messages.length === 1);
    expect(messages).toEqual([`t/a=hello q${qos}`]);
  });

  it('brings it once, with the highest QoS, where subscriptions overlap', async () => {
    const [from, to] = [await stage.connect('d1'), await stage.connect('d2')];
    const messages = heard(to);
    await to.subscribeAsync({ 't/#': { qos: 0 }, 't/+': { qos: 2 }, 't/a': { qos: 1 } });
    await from.publishAsync('t/a', '1', { qos: 2 });
    await from.publishAsync('t/end', '2', { qos: 2 });
    await until(() => messages.includes('t/end=2 q2'));
    expect(messages).toEqual(['t/a=1 q2', 't/end=2 q2']);
  });

  it('keeps the messages of a session that is away, in order, over a restart', async () => {
    const stays = { clientId: 'stays', clean: false };
    const to = await stage.connect('d2', stays);
    await to.subscribeAsync('t/#', { qos: 2 });
    await to.endAsync();
    const from = await stage.connect('d1');
    for (const [at, qos] of ([1, 2, 1, 2] as const).entries()) await from.publishAsync('t/a', String(at), { qos });
    await stage.stop();
    await stage.start();
    const back = await stage.connect('d2', { ...stays, autoUseTopicAlias: false });
    const messages = heard(back);
    await until(() => messages.length === 4);
    // A client shows a QoS 2 message when its PUBREL comes: they are in order among themselves.
    expect(messages.filter((line) => line.includes('q1'))).toEqual(['t/a=0 q1', 't/a=2 q1']);
    expect(messages.filter((line) => line.includes('q2'))).toEqual(['t/a=1 q2', 't/a=3 q2']);
    await until(() => stage.broker.sessions.waiting.messages === 0);
  });

  it('keeps retained messages over a restart, until an empty one comes', async () => {
    const from = await stage.connect('d1');
    await from.publishAsync('t/r', 'kept', { qos: 1, retain: true });
    await from.publishAsync('t/gone', 'x', { qos: 1, retain: true });
    await from.publishAsync('t/gone', '', { qos: 1, retain: true });
    await stage.stop();
    await stage.start();
    const to = await stage.connect('d2');
    const messages = heard(to);
    await to.subscribeAsync('t/#', { qos: 1 });
    await until(() => messages.length === 1);
    expect(messages).toEqual(['t/r=kept q1r']);
  });

  it('acknowledges a message only when its taker has it', async () => {
    const taken: Message[] = [];
    let stored = (): void => undefined;
    stage.bus.take('t/+', (message) => {
      taken.push(message);
      return new Promise((resolve) => (stored = resolve));
    });
    const from = await stage.connect('d1');
    let acknowledged = false;
    const sent = from.publishAsync('t/a', 'x', { qos: 1 }).then(() => (acknowledged = true));
    await until(() => taken.length === 1);
    const ping = await stage.connect('d2');
    await ping.publishAsync('t/b/c', 'y', { qos: 1 });
    expect(acknowledged).toBe(false);
    stored();
    await sent;
    expect(taken[0]).toMatchObject({ topic: 't/a', qos: 1, from: { kind: 'device', id: 'd1' } });
  });

  it('does not acknowledge what its taker refuses', async () => {
    stage.bus.take('t/full', () => Promise.reject(new Error('no room')));
    const from = await stage.connect('d1');
    const closed = closing(from);
    from.publish('t/full', 'x', { qos: 1 });
    await closed;
    expect(stage.broker.counters.all.not_stored).toBe(1);
  });

  it('refuses strangers, and what a client may not do', async () => {
    await expect(stage.connect('stranger')).rejects.toThrow();
    const client = await stage.connect('d1');
    const granted = await client
      .subscribeAsync(['$hw/events/device/d2/#', '#', 't/x'])
      .catch((error: unknown) => error);
    expect(granted).toBeInstanceOf(Error);
    const forger = await stage.connect('d1', { clientId: 'forger' });
    const closed = closing(forger);
    forger.publish('$hw/events/device/d2/twin/update', '{}', { qos: 1 });
    await closed;
    expect(stage.broker.counters.all).toMatchObject({ publish_denied: 1, subscribe_denied: 2, connect_refused: 1 });
  });

  it('lets nobody take over the session of somebody else with its client id', async () => {
    const first = await stage.connect('d1', { clientId: 'same' });
    await stage.connect('d2', { clientId: 'same' });
    expect(stage.broker.clients.map(({ id }) => id).sort()).toEqual(['device/d1/same', 'device/d2/same']);
    expect(first.connected).toBe(true);
  });

  it('cuts off whoever is no longer admitted', async () => {
    const [gone, stays] = [await stage.connect('d1'), await stage.connect('d2')];
    const closed = closing(gone);
    stage.revoked.add('d1');
    await stage.broker.review(({ id }) => id !== 'd1');
    await closed;
    expect(stays.connected).toBe(true);
  });

  it('cuts off a client whose certificate runs out, and nobody else', async () => {
    const endsAt = Date.now() + 500;
    stage.endsAt.set('d1', endsAt).set('d2', endsAt + 60_000);
    const [gone, stays] = [await stage.connect('d1'), await stage.connect('d2')];
    await closing(gone);
    expect(Date.now()).toBeGreaterThanOrEqual(endsAt);
    expect(Date.now()).toBeLessThan(endsAt + 2_000);
    expect(stays.connected).toBe(true);
    expect(stage.broker.counters.all.certificate_expired).toBe(1);
  });

  it('publishes a will when its client is cut off, and not when it says goodbye', async () => {
    const to = await stage.connect('d2');
    const messages = heard(to);
    await to.subscribeAsync('t/#', { qos: 1 });
    const will = (topic: string): IClientOptions => ({
      will: { topic, payload: Buffer.from('gone'), qos: 1, retain: false },
    });
    const polite = await stage.connect('d1', { clientId: 'polite', ...will('t/polite') });
    const cut = await stage.connect('d1', { clientId: 'cut', ...will('t/cut') });
    await polite.endAsync();
    cut.stream.destroy();
    await until(() => messages.length > 0);
    expect(messages).toEqual(['t/cut=gone q1']);
  });

  it('bounds the queue of a client that is away: the oldest gives way and is counted', async () => {
    await stage.stop();
    await stage.start({ queueMessages: 3 });
    const stays = { clientId: 'stays', clean: false };
    const to = await stage.connect('d2', stays);
    await to.subscribeAsync('t/#', { qos: 1 });
    await to.endAsync();
    const from = await stage.connect('d1');
    for (let at = 0; at < 5; at += 1) await from.publishAsync('t/a', String(at), { qos: 1 });
    const messages = heard(await stage.connect('d2', stays));
    await until(() => messages.length === 3);
    expect(messages.map((line) => line.slice(4, 5))).toEqual(['2', '3', '4']);
    expect(stage.broker.counters.all.queue_full).toBe(2);
  });

  it('gives a device no more sessions than the limit says, and leaves those of others alone', async () => {
    await stage.stop();
    await stage.start({ sessionsPerClient: 2 });
    const session = (clientId: string): IClientOptions => ({ clientId, clean: false });
    await stage.connect('d1', session('a'));
    const b = await stage.connect('d1', session('b'));
    await expect(stage.connect('d1', session('c'))).rejects.toThrow();
    await stage.connect('d2', session('c'));
    await b.endAsync();
    await until(() => stage.broker.clients.length === 2);
    await stage.connect('d1', session('c'));
    expect([...stage.broker.sessions.ids].sort()).toEqual(['device/d1/a', 'device/d1/c', 'device/d2/c']);
    expect(stage.broker.counters.all.client_sessions_full).toBe(2);
  });
});
