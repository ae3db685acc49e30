import { afterAll, beforeAll, expect, it } from 'vitest';
import type { BrokerUnderTest } from './broker-under-test.js';
import { covers, type Deviation } from './deviations/deviation.js';
import type { Clause } from './clause.js';
import { clauses } from './clauses/index.js';
import { Scene } from './scene.js';

let scenes = 0;

/** Runs one clause in a scene of its own and says what the broker did wrong, undefined when it did everything right. */
async function verdict(broker: BrokerUnderTest, { run }: Clause): Promise<string | undefined> {
  scenes += 1;
  const scene = new Scene(broker, await broker.start(), `s${scenes}`);
  try {
    await run(scene);
    return broker.trouble();
  } catch (error) {
    return broker.trouble() ?? String(error);
  } finally {
    await scene.close();
  }
}

/** Declares the tests of one broker: it keeps every clause, but for what it is known to do otherwise. */
export function conforms(broker: BrokerUnderTest, deviations: readonly Deviation[]): void {
  const asked = clauses.filter(({ needs }) => needs === undefined || broker.capabilities[needs]);

  beforeAll(async () => {
    await broker.start();
  });

  afterAll(async () => {
    await broker.stop();
  });

  it('deviates only in clauses that it is asked', () => {
    const titles = asked.map(({ title }) => title);
    const unknown = deviations.flatMap(({ of }) =>
      of instanceof RegExp
        ? [of.source].filter(() => !titles.some((title) => of.test(title)))
        : of.filter((title) => !titles.includes(title)),
    );
    expect(unknown).toEqual([]);
  });

  for (const clause of asked) {
    const known = deviations.find((deviation) => covers(deviation, clause.title));
    it(`[${clause.clause}] ${clause.title}`, async () => {
      const wrong = await verdict(broker, clause);
      if (known === undefined) kept(wrong);
      else if (known.race === undefined || wrong !== undefined) expect(wrong).toMatch(known.seen);
    });
  }
}

/** Fails with what the broker did wrong. */
function kept(wrong: string | undefined): void {
  if (wrong !== undefined) expect.fail(wrong);
}
