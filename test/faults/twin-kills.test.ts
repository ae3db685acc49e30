import { until } from '@selvage/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TwinLedger } from '../stage/twin-ledger.js';
import { TwinSite, wantedDevice } from '../stage/twin-site.js';

const ROUNDS = 20;

/** With a ledger outside the process under test. */
describe('SIGKILL of a node in the middle of updates', () => {
  const site = new TwinSite();
  const ledger = new TwinLedger();

  beforeAll(async () => {
    await site.start();
    site.want({ devices: { devices: ledger.ids.map((id) => wantedDevice(id)), clients: [] }, twins: { devices: [] } });
    await until(() => ledger.isKnown(site.port), { describe: () => site.output });
  });
  afterAll(() => site.close());

  it('loses no acknowledged update and takes no version back', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const client = await ledger.connect(site.port);
      const flow = ledger.sendAll(client);
      const enough = ledger.acknowledged + 50 + round * 40;
      await until(() => ledger.acknowledged >= enough, {
        timeoutMs: 30_000,
        everyMs: 1,
        describe: () => `round ${round}: ${enough - ledger.acknowledged} more acknowledgements; ${site.output}`,
      });
      await site.killAndStart();
      client.end(true);
      await flow;
      expect(await ledger.problems(site.port), `round ${round}`).toEqual([]);
    }
    expect(ledger.unstored).toBeGreaterThan(0);
  });
});
