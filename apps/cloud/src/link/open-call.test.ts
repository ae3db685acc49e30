import { EdgeError, frames } from '@selvage/protocol';
import { describe, expect, it } from 'vitest';
import { OpenCall } from './open-call.js';

function opened(): { call: OpenCall; sent: (number | 'cancel')[] } {
  const sent: (number | 'cancel')[] = [];
  const call = new OpenCall({ credit: (bytes) => void sent.push(bytes), cancel: () => void sent.push('cancel') });
  return { call, sent };
}

const half = Buffer.alloc(frames.CALL_WINDOW / 2);

describe('a call under way', () => {
  it('gives its chunks in order, then its end', async () => {
    const { call } = opened();
    call.data(Buffer.from('a'));
    call.data(Buffer.from('b'));
    call.end();
    const all = [await call.next(), await call.next(), await call.next()];
    expect(all.map((chunk) => chunk && Buffer.from(chunk).toString())).toEqual(['a', 'b', undefined]);
  });

  it('gives the node credit only for what was taken', async () => {
    const { call, sent } = opened();
    call.data(half);
    call.data(half);
    expect(sent).toEqual([]);
    await call.next();
    expect(sent).toEqual([half.length]);
  });

  it('keeps nothing of chunks without a byte, however many come', async () => {
    const { call } = opened();
    for (let count = 0; count < 10; count += 1) call.data(Buffer.alloc(0));
    call.data(Buffer.from('a'));
    expect((await call.next())?.byteLength).toBe(1);
  });

  it('refuses more than one window of what nobody took', () => {
    const { call } = opened();
    call.data(half);
    call.data(half);
    expect(() => {
      call.data(Buffer.alloc(1));
    }).toThrow(EdgeError);
  });

  it('hands on what was received before it failed', async () => {
    const { call } = opened();
    call.data(Buffer.from('a'));
    call.failed('not_found', 'gone');
    expect(await call.next()).toEqual(Buffer.from('a'));
    await expect(call.next()).rejects.toMatchObject({ code: 'not_found', detail: 'gone' });
  });

  it('takes a code that it does not know for a fault inside', async () => {
    const { call } = opened();
    call.failed('from_the_future', 'x');
    await expect(call.next()).rejects.toMatchObject({ code: 'internal' });
  });

  it('tells the node when it is given up, once, and not after its end', () => {
    const [open, ended] = [opened(), opened()];
    open.call.giveUp();
    open.call.giveUp();
    ended.call.end();
    ended.call.giveUp();
    expect([open.sent, ended.sent]).toEqual([['cancel'], []]);
  });
});
