import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { linked } from './index.js';

const listeners = (...controllers: readonly AbortController[]): number =>
  controllers.reduce((sum, { signal }) => sum + getEventListeners(signal, 'abort').length, 0);

describe('a linked signal', () => {
  it('ends with the first of the others, for its reason, and lets go of all', () => {
    const [one, two] = [new AbortController(), new AbortController()];
    const { signal } = linked([one.signal, two.signal]);
    expect([signal.aborted, listeners(one, two)]).toEqual([false, 2]);
    two.abort('enough');
    one.abort('too late');
    expect([signal.reason, listeners(one, two)]).toEqual(['enough', 0]);
  });

  it('has ended when one of the others had', () => {
    const [one, two] = [new AbortController(), new AbortController()];
    one.abort('before');
    expect([linked([two.signal, one.signal]).signal.reason, listeners(one, two)]).toEqual(['before', 0]);
  });

  it('lets go of the others when it is ended, and they go on', () => {
    const one = new AbortController();
    const { signal, end } = linked([one.signal]);
    end('done');
    end('again');
    expect([signal.reason, one.signal.aborted, listeners(one)]).toEqual(['done', false, 0]);
  });
});
