import { twinVersion } from '@selvage/protocol';
import { settled } from '@selvage/testkit';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { actual, Disk, type Said, Steps, wantedDevice, World } from './test-world.js';

const DEVICES = [wantedDevice('lamp'), wantedDevice('fan')];
const UPDATES = 4;

/** One life: what it acknowledged of each device, and what it said, before it ended after some steps. */
async function life(disk: Disk, steps: Steps, first: number): Promise<{ acked: Map<string, number>; said: Said[] }> {
  const world = new World(disk, steps);
  const acked = new Map<string, number>();
  const run = async (): Promise<void> => {
    await world.twins.start();
    world.twins.poke();
    const expected = { mode: { value: `m${first}`, version: { cloud: first, edge: 0 } } };
    await world.want(DEVICES, [{ id: 'lamp', expected }]);
    for (let n = first; n < first + UPDATES; n += 1)
      for (const { id } of DEVICES)
        void world.publish(id, 'twin/update', actual({ n: String(n) })).then(() => acked.set(id, n));
  };
  await run();
  await world.quiet();
  return { acked, said: world.said };
}

const version = z.object({ n: z.object({ actual: z.object({ version: twinVersion }) }).optional() });
const stored = z.object({ twin: z.record(z.string(), z.unknown()) });
function twinOf(disk: Disk, id: string): Record<string, unknown> {
  const bytes = disk.records.get(`t/${id}`);
  return bytes ? stored.parse(JSON.parse(Buffer.from(bytes).toString())).twin : {};
}
function edgeOf(disk: Disk, id: string): number {
  return version.parse(twinOf(disk, id)).n?.actual.version.edge ?? 0;
}

describe('an agent that ends at any step', () => {
  const whole = new Steps();
  let steps = 0;

  it('takes some steps when it does not', async () => {
    const { acked } = await life(new Disk(), whole, 1);
    expect([...acked]).toEqual([
      ['lamp', UPDATES],
      ['fan', UPDATES],
    ]);
    steps = whole.taken;
    expect(steps).toBeGreaterThan(20);
  });

  it('has lost nothing that it acknowledged, goes back to no version, and said nothing that is not stored', async () => {
    for (let end = 0; end <= steps; end += 1) {
      const disk = new Disk();
      const { acked, said } = await life(disk, new Steps(end), 1);
      const before = Object.fromEntries(DEVICES.map(({ id }) => [id, edgeOf(disk, id)]));
      for (const { id } of DEVICES) {
        const last = acked.get(id) ?? 0;
        expect(edgeOf(disk, id), `step ${end}: ${id}`).toBeGreaterThanOrEqual(last);
        const answered = said.filter(({ topic }) => topic.endsWith(`${id}/twin/update/result`)).length;
        expect(answered, `step ${end}: answers of ${id}`).toBeLessThanOrEqual(edgeOf(disk, id));
        expect(disk.events.filter(({ device, key }) => device === id && key === 'n').length).toBeGreaterThanOrEqual(
          last,
        );
      }
      const next = await life(disk, new Steps(), UPDATES + 1);
      for (const { id } of DEVICES) {
        expect(next.acked.get(id)).toBe(2 * UPDATES);
        expect(edgeOf(disk, id)).toBe((before[id] ?? 0) + UPDATES);
      }
      expect(twinOf(disk, 'lamp')).toMatchObject({ mode: { expected: { value: `m${UPDATES + 1}` } } });
      const told = next.said.filter(({ topic }) => topic.endsWith('lamp/twin/update/delta'));
      expect(told[0], `step ${end}`).toBeDefined();
      await settled();
    }
  });
});
