import { until } from '@selvage/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OutboxSite } from '../stage/outbox-site.js';

/** A ledger outside the processes under test: what was acknowledged arrives, once, in the order of its key. */
describe('messages on their way from agent to hub', () => {
  let site: OutboxSite;

  beforeEach(async () => {
    site = new OutboxSite();
    await site.start();
  });
  afterEach(() => site.close());

  it.each([
    ['SIGKILL of the agent', 40, [(): Promise<void> => site.killAgent()]],
    ['SIGKILL of the hub', 15, [(): Promise<void> => site.killHub()]],
    [
      'a link that is cut, and everything else',
      45,
      [cutLink, (): Promise<void> => site.killAgent(), cutLink, (): Promise<void> => site.killHub()],
    ],
  ])('outlive %s, %i times', async (_what, rounds, faults) => {
    for (let round = 0; round < rounds; round += 1) {
      const enough = site.acknowledged + Math.ceil(Math.random() * 400);
      await until(() => site.acknowledged >= enough, { everyMs: 1, describe: () => `round ${round}: ${site.output}` });
      await faults[round % faults.length]?.();
    }
    await site.drained();
    check();
  });

  function cutLink(): Promise<void> {
    site.cut();
    site.connect();
    return Promise.resolve();
  }

  function check(): void {
    const { rows = [], stored, left } = site;
    expect(left?.drops).toBe(0);
    expect(stored.size).toBe(8);
    for (const [key, acknowledged] of stored) {
      const arrived = rows.filter((row) => row.key === key).map(({ n }) => n);
      expect(arrived.filter((n, at) => n <= (arrived[at - 1] ?? -1))).toEqual([]);
      const there = new Set(arrived);
      expect(acknowledged.filter((n) => !there.has(n))).toEqual([]);
    }
  }
});
