import { EdgeError } from '@selvage/protocol';
import { FakeClock, settled } from '@selvage/testkit';
import { beforeEach, describe, expect, it } from 'vitest';
import { Delivered } from './delivered.js';
import type { Incoming } from './envelope.js';
import { type Publication, Publishing } from './publishing.js';
import { TestRecords } from './test-route.js';

const SOURCE = { epoch: 'e', lane: 'routes/r/n1' };
const none = (): void => undefined;

describe('publishing what routes bring', () => {
  let records: TestRecords;
  let publishing: Publishing;
  let said: string[];
  let offered: Incoming[];
  let refuse: (topic: string) => Error | undefined;
  let offer: () => Promise<void> | undefined;
  /** Begins anew with what is on the disk. */
  const restart = async (): Promise<void> => {
    const delivered = new Delivered(records, { warn: none });
    await delivered.load();
    publishing = new Publishing({
      delivered,
      clock: new FakeClock(),
      offer: (incoming) => (offered.push(incoming), offer()),
      publish: ({ topic }) => {
        const error = refuse(topic);
        if (error !== undefined) return Promise.reject(error);
        said.push(topic);
        return settled();
      },
    });
  };
  const message = (seq: number, topic = `t/${seq}`): Publication => {
    return { seq, topic, payload: Buffer.from('x'), qos: 1, retain: false, hops: [] };
  };
  const publish = (...messages: Publication[]) => publishing.publish(SOURCE, messages);

  beforeEach(async () => {
    [records, said, offered, refuse, offer] = [new TestRecords(), [], [], () => undefined, () => undefined];
    await restart();
  });

  it('says each message once, however often it is brought, and over restarts', async () => {
    expect(await publish(message(1), message(2))).toEqual([{ is: 'delivered' }, { is: 'delivered' }]);
    await publish(message(2), message(3));
    await restart();
    expect(await publish(message(1), message(3), message(4))).toHaveLength(3);
    expect(said).toEqual(['t/1', 't/2', 't/3', 't/4']);
    await publishing.publish({ ...SOURCE, lane: 'other' }, [message(1)]);
    await publishing.publish({ ...SOURCE, epoch: 'another' }, [message(1)]);
    expect(said).toHaveLength(6);
  });

  it('says it once while it is brought again before it is on the disk', async () => {
    const both = [publish(message(1)), publish(message(1), message(1))];
    expect(await Promise.all(both)).toEqual([[{ is: 'delivered' }], [{ is: 'delivered' }, { is: 'delivered' }]]);
    expect(said).toEqual(['t/1']);
  });

  it('says it once while it waits for the routes that take it', async () => {
    offer = () => settled();
    await Promise.all([publish(message(1)), publish(message(1))]);
    expect([said, offered.length]).toEqual([['t/1'], 1]);
  });

  it('notes it down in the turn in which the broker stores it', () => {
    void publish(message(1));
    expect(said).toEqual(['t/1']);
    expect(records.all.size).toBe(1);
  });

  it('tries again what the broker did not take, also over a restart, and throws when it took nothing', async () => {
    refuse = (topic) => (topic === 't/2' ? new EdgeError('overloaded', 'full') : undefined);
    expect(await publish(message(1), message(2))).toEqual([
      { is: 'delivered' },
      { is: 'failed', code: 'overloaded', detail: 'full' },
    ]);
    await expect(publish(message(2))).rejects.toMatchObject({ code: 'overloaded' });
    await restart();
    refuse = () => undefined;
    await publish(message(1), message(2));
    expect(said).toEqual(['t/1', 't/2']);
  });

  it('says nothing before the routes that take it have it on the disk', async () => {
    offer = () => Promise.reject(new EdgeError('overloaded', 'no room'));
    await expect(publish(message(1))).rejects.toMatchObject({ detail: 'no room' });
    expect([said, records.all.size]).toEqual([[], 0]);
    offer = () => settled();
    await publish(message(1));
    expect([said, offered.length]).toEqual([['t/1'], 2]);
  });

  it.each(['', 'a/+', '#', 'a\0', '$SYS/x', '$hw/events/device/d/twin/update/delta', 'x'.repeat(1_025)])(
    'takes no topic like %j',
    async (topic) => {
      expect(await publish(message(1, topic), message(2))).toMatchObject([
        { is: 'rejected', code: 'bad_request' },
        { is: 'delivered' },
      ]);
      expect(said).toEqual(['t/2']);
    },
  );

  it('remembers enough, and not everything', async () => {
    for (let seq = 1; seq <= 9_000; seq += 100)
      await publish(...Array.from({ length: 100 }, (_, index) => message(seq + index)));
    await settled();
    expect(records.all.size).toBeLessThanOrEqual(82);
    await restart();
    await publish(...Array.from({ length: 4_000 }, (_, index) => message(5_001 + index)));
    expect(said).toHaveLength(9_000);
    await publish(message(1));
    expect(said).toHaveLength(9_001);
  });
});
