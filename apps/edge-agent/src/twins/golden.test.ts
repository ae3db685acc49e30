import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DEVIATIONS, type ExpectedOut } from './test-deviations.js';
import { handle } from './machine.js';
import type { Out, TwinNode } from './twin-node.js';

interface Step {
  readonly name: string;
  readonly from: 'mqtt' | 'cloud';
  readonly topic: string;
  readonly body: unknown;
  readonly out: readonly ExpectedOut[];
  readonly quirk?: string;
}
interface Golden {
  readonly scenarios: readonly { readonly scenario: string; readonly steps: readonly Step[] }[];
}

const file = new URL('../../../../test/golden/twin-golden.json', import.meta.url);
const golden = JSON.parse(readFileSync(file, 'utf8')) as Golden;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const start = 1_700_000_000_000;

describe('what was recorded from KubeEdge 1.12', () => {
  const steps = golden.scenarios.flatMap(({ scenario, steps: all }, index) =>
    all.map((step, place) => ({ key: `${index}/${place}`, scenario, step })),
  );

  it('is all there: 16 scenarios', () => {
    expect(golden.scenarios).toHaveLength(16);
    expect(steps.length).toBeGreaterThan(50);
  });

  it('is answered in our own way at every step that is marked as a defect', () => {
    const quirks = steps.filter(({ step }) => step.quirk !== undefined).map(({ key }) => key);
    expect(quirks.filter((key) => !Object.hasOwn(DEVIATIONS, key))).toEqual([]);
  });

  it('deviates only at steps that exist, each for a reason', () => {
    const keys = steps.map(({ key }) => key);
    expect(Object.keys(DEVIATIONS).filter((key) => !keys.includes(key))).toEqual([]);
    expect(Object.values(DEVIATIONS).filter(({ why }) => why.length < 10)).toEqual([]);
  });

  it.each(golden.scenarios.map((one, index) => [one.scenario, index, one.steps] as const))(
    '%s: comes out the same, step by step',
    (_scenario, index, all) => {
      let node: TwinNode = { node: 'node-1', devices: new Map() };
      let ids = 0;
      for (const [place, step] of all.entries()) {
        const moment = { now: start + place * 1000, newId: () => uuid(++ids) };
        const handled = handle(node, { ...step, ...address(step), payload: text(step.body) }, moment);
        const wanted = DEVIATIONS[`${index}/${place}`]?.out ?? step.out;
        expect(handled.out.map(wire), `${index}/${place} ${step.name}`).toEqual(wanted.map(pattern));
        node = handled.node;
      }
    },
  );
});

/** The route's operation is named beside its resource; ours has one operation for each resource. */
function address({ topic }: Step): { topic: string } {
  return { topic: topic.replace(/ \(operation \w+\)$/, '') };
}

function text(body: unknown): string {
  return typeof body === 'string' ? body : JSON.stringify(body);
}

function wire(out: Out): unknown {
  return JSON.parse(JSON.stringify(out)) as unknown;
}

function uuid(count: number): string {
  return `00000000-0000-4000-8000-${String(count).padStart(12, '0')}`;
}

/** The recorded answer with its wildcards as matchers. */
function pattern(value: unknown): unknown {
  if (value === '<ms>') return expect.toSatisfy((ms: unknown) => Number.isSafeInteger(ms) && Number(ms) >= start);
  if (value === '<uuid>') return expect.stringMatching(UUID) as unknown;
  if (value === '<YYYY-MM-DD HH:MM:SS>') return expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/) as unknown;
  if (typeof value === 'string' && value.startsWith('<begins>'))
    return expect.stringContaining(value.slice(8)) as unknown;
  if (Array.isArray(value)) return value.map(pattern);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, pattern(member)]));
}
