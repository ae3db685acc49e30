import { until } from '@selvage/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OutboxSite } from '../stage/outbox-site.js';

/** A ledger outside the processes under test: what was acknowledged arrives, once, in the order of its key. */
describe('messages on their way from agent to hub', () => {
  let site: OutboxSite;

  beforeEach(async () => {
    site = await OutboxSite.make();
    await site.start();
  });
  afterEach(() => site.close());

  it.each([
    ['SIGKILL of the agent', 40, ['killAgent']],
    ['SIGKILL of the hub', 15, ['killHub']],
    ['a link that is cut, and everything else', 45, ['cutLink', 'killAgent', 'cutLink', 'killHub']],
  ] as const)('outlive %s, %i times', async (_what, rounds, faults) => {
    const { pair } = site;
    for (let round = 0; round < rounds; round += 1) {
      const enough = pair.acknowledged + Math.ceil(Math.random() * 400);
      await until(() => pair.acknowledged >= enough, { everyMs: 1, describe: () => `round ${round}: ${pair.output}` });
      await site[faults[round % faults.length] ?? 'cutLink']();
    }
    expect(await pair.problems()).toEqual([]);
  });
});
