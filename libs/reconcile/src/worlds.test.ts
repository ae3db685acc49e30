import fc from 'fast-check';
import { FakeClock } from '@selvage/testkit';
import { describe, expect, it } from 'vitest';
import type { Noun, Step } from './noun.js';
import { Reconciler } from './reconciler.js';

type Way = 'works' | 'fails' | 'hangs' | 'lies' | 'slow';
interface SetStep extends Step {
  readonly value: number;
}

const SUBJECTS = ['a', 'b', 'c', 'd'];
const CONCURRENCY = 2;
const STEP_TIMEOUT_MS = 1000;

const event = fc.oneof(
  fc.record({ kind: fc.constant('want' as const), subject: fc.constantFrom(...SUBJECTS), value: fc.nat(3) }),
  fc.record({ kind: fc.constant('tamper' as const), subject: fc.constantFrom(...SUBJECTS), value: fc.nat(3) }),
  fc.record({ kind: fc.constant('poke' as const), times: fc.integer({ min: 0, max: 3 }) }),
  fc.record({ kind: fc.constant('time' as const), ms: fc.nat(3000) }),
);

/** A world that misbehaves as told, and watches that the loop keeps its promises. */
class World implements Noun<Map<string, number>, Map<string, number>, SetStep> {
  readonly name = 'world';
  readonly wanted = new Map<string, number>();
  readonly there = new Map<string, number>();
  readonly busy = new Set<string>();
  applies = 0;
  broken: string[] = [];

  constructor(
    private readonly clock: FakeClock,
    private readonly ways: Iterator<Way>,
    readonly healed = { now: false },
  ) {}

  desired(): Map<string, number> {
    return new Map(this.wanted);
  }
  observe(): Map<string, number> {
    return new Map(this.there);
  }
  plan(wanted: Map<string, number>, there: Map<string, number>): SetStep[] {
    const differ = [...wanted].filter(([subject, value]) => there.get(subject) !== value);
    return differ.map(([subject, value]) => ({ subject, value, key: `${subject}@${value}` }));
  }
  async apply(step: SetStep, signal: AbortSignal): Promise<void> {
    this.applies += 1;
    if (this.busy.has(step.subject)) this.broken.push(`two steps of ${step.subject}`);
    if (this.busy.size >= CONCURRENCY) this.broken.push('too many steps at once');
    this.busy.add(step.subject);
    try {
      await this.act(step, signal);
    } finally {
      this.busy.delete(step.subject);
    }
  }
  report(): void {
    if (this.busy.size > CONCURRENCY) this.broken.push('too many steps at once');
  }

  private async act(step: SetStep, signal: AbortSignal): Promise<void> {
    const way = this.healed.now ? 'works' : (this.ways.next().value as Way);
    if (way === 'fails') throw new Error('failed');
    if (way === 'lies') return;
    if (way === 'hangs')
      await new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          reject(new Error('aborted'));
        });
      });
    if (way === 'slow')
      await new Promise<void>((resolve) => {
        this.clock.timer(300, resolve);
      });
    this.there.set(step.subject, step.value);
  }
}

describe('whatever the world does, the loop', () => {
  it('never runs two steps of one subject, keeps its bound, does not spin, and converges once failures cease', async () => {
    const ways = fc.infiniteStream(fc.constantFrom<Way>('works', 'fails', 'hangs', 'lies', 'slow'));
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { maxLength: 40 }),
        ways,
        fc.noShrink(fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true }))),
        async (events, stream, chance) => {
          const clock = new FakeClock();
          const world = new World(clock, stream);
          const reconciler = new Reconciler(world, {
            clock,
            random: () => chance.next().value as number,
            backoff: { baseMs: 100, capMs: 2000, floorMs: 20 },
            resyncMs: 5000,
            concurrency: CONCURRENCY,
            observeTimeoutMs: 1000,
            stepTimeoutMs: STEP_TIMEOUT_MS,
          });
          reconciler.start();
          let changes = 1;
          for (const one of events) {
            if (one.kind === 'want') world.wanted.set(one.subject, one.value);
            if (one.kind === 'tamper') world.there.set(one.subject, one.value);
            if (one.kind === 'poke') for (let time = 0; time < one.times; time += 1) reconciler.poke();
            if (one.kind === 'time') await clock.advance(one.ms);
            changes += one.kind === 'want' || one.kind === 'tamper' ? 1 : 0;
          }
          world.healed.now = true;
          await clock.advance(20_000);
          expect(Object.fromEntries([...world.wanted].map(([subject]) => [subject, world.there.get(subject)]))).toEqual(
            Object.fromEntries(world.wanted),
          );
          expect(world.broken).toEqual([]);
          expect(world.applies).toBeLessThan(changes * 10 + (clock.monotonic() / 20) * SUBJECTS.length);
          await reconciler.stop();
          expect(clock.pending).toBe(0);
        },
      ),
      { numRuns: 150 },
    );
  });
});
