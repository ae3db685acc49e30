import { existsSync, readdirSync } from 'node:fs';
import { tempDir, until } from '@selvage/testkit';
import { afterEach, describe, expect, it } from 'vitest';
import { bundleProgram } from '../stage/bundle.js';
import { PeerProgram } from '../stage/peer-program.js';
import { PowerCutBroker } from '../stage/power-cut-broker.js';
import { PowerCutDisk } from '../stage/power-cut-disk.js';
import { PowerCutOutbox } from '../stage/power-cut-outbox.js';
import type { Found, FromStore } from '../stage/power-cut-store.js';
import { PowerCutTwins } from '../stage/power-cut-twins.js';

const CUTS = { broker: 60, twins: 40, agentOutbox: 45, hubOutbox: 15, store: 60 };

/** One instant in the life of a load: after so many acknowledgements since the start. */
const anInstant = (most: number): number => 1 + Math.floor(Math.random() * most);

/** Each with a ledger outside the machine that loses its power, and on a disk that forgets what was not synchronised. */
describe('power that is cut in the middle of writing', () => {
  let cleanUp: (() => Promise<void>) | undefined;
  afterEach(async () => {
    await cleanUp?.();
    cleanUp = undefined;
  });

  it(`takes no acknowledged message, order or retained value from a broker, over ${CUTS.broker} cuts`, async () => {
    const broker = new PowerCutBroker();
    cleanUp = () => broker.close();
    await broker.start();
    for (let round = 0; round < CUTS.broker; round += 1) {
      if (round % 2 === 1) await broker.leave();
      await broker.cutAfter(anInstant(80));
      await broker.checkRetained();
      // Every second cut finds the subscriber away; then it comes and sees what it missed.
      await broker.comeAndSeeAll();
      expect(broker.problems, `round ${round}`).toEqual([]);
    }
    await broker.finish();
    expect(broker.problems).toEqual([]);
  });

  it(`takes no acknowledged update from a twin and no version back, over ${CUTS.twins} cuts`, async () => {
    const twins = new PowerCutTwins();
    cleanUp = () => twins.close();
    await twins.start();
    for (let round = 0; round < CUTS.twins; round += 1) {
      await twins.cutAfter(anInstant(300));
      expect(await twins.problems(), `round ${round}`).toEqual([]);
    }
    expect(twins.unstored).toBeGreaterThan(0);
  });

  it(`lets every acknowledged message reach the hub once and in order, over ${CUTS.agentOutbox} cuts of the agent and ${CUTS.hubOutbox} of the hub`, async () => {
    const outbox = await PowerCutOutbox.make();
    cleanUp = () => outbox.close();
    await outbox.start();
    const { pair } = outbox;
    const total = CUTS.agentOutbox + CUTS.hubOutbox;
    for (let round = 0; round < total; round += 1) {
      const enough = pair.acknowledged + anInstant(400);
      const describe = (): string => `round ${round}: ${pair.output}`;
      await until(() => pair.acknowledged >= enough, { everyMs: 1, describe });
      await ((round + 1) % (total / CUTS.hubOutbox) === 0 ? outbox.cutHub() : outbox.cutAgent());
    }
    expect(await pair.problems()).toEqual([]);
  });

  it(`leaves an agent its confirmed desired state, and a key with the certificate of that key, over ${CUTS.store} cuts`, async () => {
    const folder = tempDir('selvage-store-');
    const disk = new PowerCutDisk(folder.path);
    const last = { identity: 0, desired: 0 };
    let [found, acknowledged]: [Found, number] = [{ identity: [], desired: [] }, 0];
    const agent = new PeerProgram<never, FromStore>(await bundleProgram('test/stage/power-cut-store.ts'), (word) => {
      if (word.is === 'up') return (found = word);
      acknowledged += 1;
      return (last[word.what] = word.n);
    });
    cleanUp = async () => {
      await agent.kill();
      await disk.remove();
      folder.remove();
    };
    await disk.on();
    await agent.start(folder.path);
    for (let round = 0; round < CUTS.store; round += 1) {
      const enough = acknowledged + anInstant(60);
      await until(() => acknowledged >= enough, { everyMs: 1, describe: () => `round ${round}: ${agent.output}` });
      await disk.cut(agent.pid);
      await agent.kill();
      const due = { ...last };
      await disk.on();
      await agent.start(folder.path);
      check(`round ${round}`, found, due);
      Object.assign(last, { identity: Number(found.identity[0]), desired: found.desired[0] });
    }
    expect(readdirSync(folder.path).filter((name) => name.includes('broken'))).toEqual([]);
    expect(existsSync(`${folder.path}/agent.db`)).toBe(true);
  });

  /** All parts are of one write: that which was confirmed last, or the one that was under way. */
  function check(round: string, { identity, desired }: Found, due: Readonly<Record<keyof Found, number>>): void {
    const parts = { identity: identity.map(Number), desired };
    for (const what of ['identity', 'desired'] as const) {
      const [first = -1] = parts[what];
      expect(new Set(parts[what]).size, `${round}: ${what} is of one write, ${parts[what].join()}`).toBe(1);
      expect([due[what], due[what] + 1], `${round}: ${what}`).toContain(first);
    }
  }
});
