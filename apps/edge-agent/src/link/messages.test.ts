import { join } from 'node:path';
import { DEFAULT_LANE, DEFAULT_TOTAL, Outbox } from '@selvage/outbox';
import { systemClock } from '@selvage/reconcile';
import { tempDir, until } from '@selvage/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SqliteOutboxStore } from '../state/index.js';
import { CallRegistry } from './calls.js';
import { Link } from './link.js';
import { MAX_MESSAGE, MessageLink } from './messages.js';
import { TestHub } from './test-hub.js';

const none = (): void => undefined;
const log = { debug: none, info: none, warn: none, error: none };

describe('messages over the link', () => {
  const hub = new TestHub();
  let folder: ReturnType<typeof tempDir>;
  let outbox: Outbox;
  let link: Link;
  const put = (text: string): Promise<void> => outbox.append({ lane: 'data', key: 'd', body: Buffer.from(text) });
  const heard = async (): Promise<string[]> =>
    (await hub.hear('messages')).items.map(({ seq, body }) => `${seq} ${Buffer.from(body).toString()}`);

  beforeEach(async () => {
    await hub.start();
    [folder, hub.heard.length] = [tempDir(), 0];
    const clock = systemClock;
    const store = new SqliteOutboxStore({ path: join(folder.path, 'outbox.db'), clock, log });
    outbox = new Outbox({
      ...{ store, clock, total: DEFAULT_TOTAL, maxMessage: MAX_MESSAGE },
      rules: () => DEFAULT_LANE,
    });
    await outbox.start();
    link = new Link({
      ...{
        hubUrl: hub.url,
        identity: () => hub.identity,
        agentVersion: '1',
        boot: 'boot',
        clock,
        random: () => 0,
        log,
      },
      desired: { position: null, hashes: () => ({}), apply: () => Promise.resolve() },
      reported: { hashes: () => ({}), get: () => undefined, onChange: none },
      ...{ calls: new CallRegistry(), messages: new MessageLink({ outbox, clock }) },
    });
    link.start();
    await hub.hear('hello');
  });
  afterEach(async () => {
    await link.stop();
    await outbox.stop();
    await hub.stop();
    folder.remove();
  });

  it('go when the hub has greeted, and are forgotten when it has stored them', async () => {
    await put('1');
    expect(hub.heard).toEqual([]);
    hub.welcome();
    expect(await heard()).toEqual(['1 1']);
    await put('2');
    expect(await heard()).toEqual(['2 2']);
    expect(outbox.lanes[0]?.count).toBe(2);
    hub.send({ t: 'settled', epoch: 'another', lane: 'data', upTo: 2 });
    hub.send({ t: 'settled', epoch: outbox.epoch, lane: 'data', upTo: 1 });
    await until(() => outbox.lanes[0]?.count === 1);
  });

  it('go again over the next connection until they are stored', async () => {
    hub.welcome();
    await put('1');
    await put('2');
    await hub.hear('messages');
    hub.send({ t: 'settled', epoch: outbox.epoch, lane: 'data', upTo: 1 });
    await until(() => outbox.lanes[0]?.count === 1);
    hub.heard.length = 0;
    hub.cut();
    await hub.hear('hello');
    hub.heard.length = 0;
    hub.welcome();
    expect(await heard()).toEqual(['2 2']);
  });

  it('that the hub rejects become dead letters with its words, and hold up nobody', async () => {
    hub.welcome();
    await put('1');
    await hub.hear('messages');
    await put('2');
    await hub.hear('messages');
    hub.send({ t: 'rejected', epoch: outbox.epoch, seq: 1, code: 'not_found', detail: 'Nobody takes it.' });
    hub.send({ t: 'settled', epoch: outbox.epoch, lane: 'data', upTo: 2 });
    await until(async () => outbox.lanes[0]?.count === 0 && (await outbox.dead(0, 9)).length === 1);
    expect(await outbox.dead(0, 9)).toMatchObject([{ seq: 1, code: 'not_found', detail: 'Nobody takes it.' }]);
  });

  it('as large as may be fit into a frame, and one byte more is refused', async () => {
    hub.welcome();
    const overhead = 48;
    await outbox.append({ lane: 'data', body: Buffer.alloc(MAX_MESSAGE - overhead, 1) });
    expect((await hub.hear('messages')).items[0]?.body.byteLength).toBe(MAX_MESSAGE - overhead);
    const more = outbox.append({ lane: 'data', body: Buffer.alloc(MAX_MESSAGE - overhead + 1) });
    await expect(more).rejects.toMatchObject({ code: 'too_large' });
  });
});
