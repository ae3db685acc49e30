import { FakeClock, settled } from '@selvage/testkit';
import { describe, expect, it } from 'vitest';
import type { Noun, Step, View } from './noun.js';
import { Reconciler, type ReconcilerOptions } from './reconciler.js';

type Values = Record<string, number>;
interface SetStep extends Step {
  readonly value: number;
}
type How = (step: SetStep, signal: AbortSignal) => Promise<void> | void;

/** Keeps a map of numbers: one step `name@value` for each that differs. */
class Numbers implements Noun<Values, Values, SetStep> {
  readonly name = 'numbers';
  wanted: Values = {};
  there: Values = {};
  how: How = (step) => void (this.there[step.subject] = step.value);
  readonly applied: string[] = [];
  readonly views: View<Values, Values, SetStep>[] = [];
  observing: (signal: AbortSignal) => Promise<Values> | Values = () => ({ ...this.there });

  desired(): Values {
    return { ...this.wanted };
  }
  observe(signal: AbortSignal): Promise<Values> | Values {
    return this.observing(signal);
  }
  plan(desired: Values, observed: Values): SetStep[] {
    return Object.entries(desired)
      .filter(([subject, value]) => observed[subject] !== value)
      .map(([subject, value]) => ({ key: `${subject}@${value}`, subject, value }));
  }
  async apply(step: SetStep, signal: AbortSignal): Promise<void> {
    this.applied.push(step.key);
    await this.how(step, signal);
  }
  report(view: View<Values, Values, SetStep>): void {
    this.views.push(view);
  }
}

function loop(
  noun: Numbers,
  more: Partial<ReconcilerOptions<SetStep>> = {},
): { clock: FakeClock; reconciler: Reconciler<Values, Values, SetStep> } {
  const clock = new FakeClock();
  const reconciler = new Reconciler(noun, {
    clock,
    random: () => 1,
    backoff: { baseMs: 100, capMs: 1000 },
    concurrency: 4,
    observeTimeoutMs: 5000,
    stepTimeoutMs: 60_000,
    ...more,
  });
  return { clock, reconciler };
}

const never = (): Promise<never> => new Promise(() => undefined);

describe('the loop', () => {
  it('makes what is there like what is wanted, and then holds no timer', async () => {
    const noun = new Numbers();
    noun.wanted = { a: 1, b: 2 };
    const { clock, reconciler } = loop(noun);
    reconciler.start();
    await clock.advance(0);
    expect(noun.there).toEqual({ a: 1, b: 2 });
    expect(noun.views.at(-1)).toMatchObject({ steps: [], inFlight: [] });
    expect(clock.pending).toBe(0);
  });

  it('remembers a poke before its start and makes many pokes in a pass one more pass', async () => {
    const noun = new Numbers();
    const { clock, reconciler } = loop(noun);
    reconciler.poke();
    await clock.advance(0);
    expect(noun.views).toHaveLength(0);
    reconciler.start();
    for (let count = 0; count < 10; count += 1) reconciler.poke();
    await clock.advance(0);
    expect(noun.views).toHaveLength(2);
  });

  it('lets siblings go on while one step fails, and waits longer for that one each time', async () => {
    const noun = new Numbers();
    noun.wanted = { bad: 1, good: 1 };
    noun.how = (step) => {
      if (step.subject === 'bad') throw new Error('no');
      noun.there[step.subject] = step.value;
    };
    const { clock, reconciler } = loop(noun);
    reconciler.start();
    await clock.advance(99);
    expect(noun.there).toEqual({ good: 1 });
    expect(noun.applied.filter((key) => key === 'bad@1')).toHaveLength(1);
    await clock.advance(1 + 200 + 400 + 800 + 1000);
    expect(noun.applied.filter((key) => key === 'bad@1')).toHaveLength(6);
    expect(noun.views.at(-1)?.failures.get('bad@1')).toMatchObject({ attempts: 6 });
  });

  it('forgets the failures of a step that the plan no longer holds', async () => {
    const noun = new Numbers();
    noun.wanted = { a: 1 };
    noun.how = () => Promise.reject(new Error('no'));
    const { clock, reconciler } = loop(noun);
    reconciler.start();
    await clock.advance(100_000);
    noun.wanted = { a: 2 };
    noun.how = (step) => void (noun.there[step.subject] = step.value);
    reconciler.poke();
    await clock.advance(0);
    expect(noun.there).toEqual({ a: 2 });
    expect(noun.views.at(-1)?.failures.size).toBe(0);
  });

  it('aborts a step that is no longer wanted, keeps its subject busy until it has ended, and calls that no failure', async () => {
    const noun = new Numbers();
    noun.wanted = { a: 1 };
    let end: () => void = () => undefined;
    let aborted = false;
    noun.how = (_step, signal) => {
      signal.addEventListener('abort', () => (aborted = true));
      return new Promise((_resolve, reject) => {
        end = () => {
          reject(new Error('gave up'));
        };
      });
    };
    const { clock, reconciler } = loop(noun);
    reconciler.start();
    await clock.advance(0);
    noun.wanted = { a: 2 };
    reconciler.poke();
    await clock.advance(0);
    expect(aborted).toBe(true);
    expect(noun.applied).toEqual(['a@1']);
    noun.how = (step) => void (noun.there[step.subject] = step.value);
    end();
    await clock.advance(0);
    expect(noun.applied).toEqual(['a@1', 'a@2']);
    expect(noun.views.at(-1)?.failures.size).toBe(0);
  });

  it('does not spin when a step says that it succeeded and did not', async () => {
    const noun = new Numbers();
    noun.wanted = { a: 1 };
    noun.how = () => undefined;
    const { clock, reconciler } = loop(noun);
    reconciler.start();
    await clock.advance(10_000);
    expect(noun.applied.length).toBeLessThan(16);
    expect(noun.views.at(-1)?.failures.size).toBe(0);
  });

  it('gives up a step that hangs and ignores its signal, and tries again', async () => {
    const noun = new Numbers();
    noun.wanted = { a: 1 };
    noun.how = never;
    const { clock, reconciler } = loop(noun, { stepTimeoutMs: 1000 });
    reconciler.start();
    await clock.advance(1000);
    expect(noun.views.at(-1)?.failures.get('a@1')?.error).toMatchObject({ name: 'DeadlineError' });
    noun.how = (step) => void (noun.there[step.subject] = step.value);
    await clock.advance(100);
    expect(noun.there).toEqual({ a: 1 });
  });

  it.each([
    ['throws', () => Promise.reject(new Error('blind'))],
    ['hangs', never],
  ])('goes on when observing %s, and tells once for each failure', async (_how, observing) => {
    const noun = new Numbers();
    noun.wanted = { a: 1 };
    noun.observing = observing;
    const told: unknown[] = [];
    const { clock, reconciler } = loop(noun, { onError: (error) => told.push(error) });
    reconciler.start();
    await clock.advance(5000);
    expect(told.length).toBeGreaterThan(0);
    noun.observing = () => ({ ...noun.there });
    await clock.advance(10_000);
    expect(noun.there).toEqual({ a: 1 });
  });

  it('looks again by itself when it has a resync time', async () => {
    const noun = new Numbers();
    noun.wanted = { a: 1 };
    const { clock, reconciler } = loop(noun, { resyncMs: 1000 });
    reconciler.start();
    await clock.advance(0);
    noun.there = {};
    await clock.advance(1000);
    expect(noun.there).toEqual({ a: 1 });
  });

  it('cares nothing for jumps of the wall clock', async () => {
    const noun = new Numbers();
    noun.wanted = { a: 1 };
    noun.how = () => Promise.reject(new Error('no'));
    const { clock, reconciler } = loop(noun);
    reconciler.start();
    await clock.advance(50);
    clock.jumpWall(0);
    await clock.advance(50);
    expect(noun.applied).toHaveLength(2);
    clock.jumpWall(Date.UTC(2090, 0, 1));
    await clock.advance(199);
    expect(noun.applied).toHaveLength(2);
  });

  it('stops: aborts what is under way, does nothing afterwards, and does not wait for ever', async () => {
    const noun = new Numbers();
    noun.wanted = { a: 1 };
    noun.how = never;
    const { clock, reconciler } = loop(noun, { resyncMs: 1000 });
    reconciler.start();
    await clock.advance(0);
    const stopped = reconciler.stop();
    await clock.advance(10_000);
    await stopped;
    reconciler.poke();
    await clock.advance(100_000);
    expect(noun.applied).toEqual(['a@1']);
    await settled();
  });
});
