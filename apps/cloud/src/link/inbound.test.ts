import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { InboundRegistry, type InboundReport } from './inbound.js';

const ref = (node: string): { project: string; node: string } => ({ project: 'default', node });

describe('reports that wait to be written', () => {
  const seen: InboundReport<number>[][] = [];
  const registry = new InboundRegistry();
  registry.add({
    section: 'n',
    schema: z.number(),
    apply: () => Promise.resolve(),
    committed: (all) => seen.push([...all]),
  });
  const intake = registry.get('n');
  const take = (node: string, value: unknown): void =>
    intake?.take({ ref: ref(node), section: 'n', hash: String(value), at: 'now', value });

  it('are of each node the latest only', () => {
    take('a', 1);
    take('b', 2);
    take('a', 3);
    expect(intake?.waiting).toBe(2);
    const batch = intake?.batch(10);
    expect(batch?.written.map(({ ref: { node }, hash }) => `${node}=${hash}`)).toEqual(['b=2', 'a=3']);
    batch?.committed();
    expect(seen[0]?.map(({ value }) => value)).toEqual([2, 3]);
    expect(intake?.waiting).toBe(0);
  });

  it('leave in batches of a bounded size', () => {
    for (let index = 0; index < 5; index += 1) take(`n-${index}`, index);
    expect(intake?.batch(3).written).toHaveLength(3);
    expect(intake?.waiting).toBe(2);
  });

  it('must have the form of their section', () => {
    expect(() => {
      take('a', 'text');
    }).toThrow();
  });
});
