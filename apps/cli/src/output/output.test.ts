import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { age, ago, bytes, diff, type DiffLine, diffText, factLines, moment, span, tableLines, yaml } from './index.js';
import { json } from './formats.js';

const NOW = Date.parse('2030-01-01T12:00:00Z');

describe('a table', () => {
  const columns = [
    { title: 'NAME', of: (item: { a: string; b: string }) => item.a },
    { title: 'WHY', of: (item: { a: string; b: string }) => item.b, sparse: true as const },
    { title: 'END', of: () => 'x' },
  ];

  it('aligns its columns and cuts nothing off', () => {
    const long = 'y'.repeat(300);
    expect(
      tableLines(
        columns,
        [
          { a: 'näme', b: long },
          { a: 'b', b: '' },
        ],
        NOW,
      ),
    ).toEqual([`NAME   WHY${' '.repeat(297)}   END`, `näme   ${long}   x`, `b      ${' '.repeat(300)}   x`]);
  });

  it('leaves out a column that has nothing to say', () => {
    expect(tableLines(columns, [{ a: 'a', b: '' }], NOW)).toEqual(['NAME   END', 'a      x']);
  });

  it('has no control characters in it, whatever a node says', () => {
    expect(tableLines(columns, [{ a: 'a\n\u001B[31mb', b: '' }], NOW)[1]).toBe('a [31mb   x');
  });
});

describe('a moment', () => {
  it.each([
    [0, '0s'],
    [119_999, '119s'],
    [120_000, '2m'],
    [7_199_000, '119m'],
    [7_200_000, '2h'],
    [172_800_000, '2d'],
  ])('%i ms are %s', (ms, expected) => {
    expect(span(ms)).toBe(expected);
  });

  it('is shown with its distance', () => {
    expect(moment('2030-01-01T11:54:59.123Z', NOW)).toBe('2030-01-01 11:54:59Z (5m ago)');
    expect(moment('2030-01-01T12:05:00Z', NOW)).toBe('2030-01-01 12:05:00Z (in 5m)');
    expect(moment('2030-01-01T23:59:59.900Z', NOW)).toBe('2030-01-01 23:59:59Z (in 12h)');
  });

  it.each([
    [undefined, ''],
    ['2030-01-01T11:55:00Z', '5m'],
    ['2030-01-01T12:00:59Z', '0s'],
    ['2030-01-01T15:00:00Z', 'in 3h'],
  ])('%s is so long over: "%s"', (text, expected) => {
    expect(age(text, NOW)).toBe(expected);
  });

  it('is so long ago, if it is not to come', () => {
    expect([ago('2030-01-01T11:55:00Z', NOW), ago('2030-01-01T15:00:00Z', NOW)]).toEqual(['5m ago', 'in 3h']);
  });
});

it.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1536, '1.5 KiB'],
  [512 * 2 ** 20, '512 MiB'],
  [7.6 * 2 ** 30, '7.6 GiB'],
])('%i bytes are %s', (count, expected) => {
  expect(bytes(count)).toBe(expected);
});

describe('JSON and YAML', () => {
  const value = { plain: 'a: b', 'k\u202E': ['x\u009B\u2028\u001B\u{E0001}"\\', 'm\nn\u200D\n'] };

  it.each([
    ['JSON', json, (text: string): unknown => JSON.parse(text)],
    ['YAML', yaml, (text: string): unknown => parse(text)],
  ] as const)('%s writes what a terminal would obey as escapes, and loses nothing', (_what, write, read) => {
    expect(write(value).replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}]/u);
    expect(read(write(value))).toEqual(value);
  });
});

describe('facts', () => {
  it('are aligned, go on under themselves, and are left out when there is nothing to tell', () => {
    expect(
      factLines([
        ['a', 'x\ny'],
        ['none', ''],
        ['bcd', 'z'],
        ['no', undefined],
      ]),
    ).toEqual(['a:     x', '       y', 'bcd:   z']);
  });
});

describe('a diff', () => {
  const lines = (text: string): string[] => (text === '' ? [] : text.split(' '));
  const texts = (all: readonly DiffLine[]): string[] => diffText(all).map(({ text }) => text);
  const shown = (before: string, after: string): string[] => texts(diff(lines(before), lines(after)));

  it('of the same is empty', () => {
    expect(shown('a b c', 'a b c')).toEqual([]);
  });

  it.each([
    ['a b c', 'a x c', ['  a', '- b', '+ x', '  c']],
    ['', 'a b', ['+ a', '+ b']],
    ['a b', '', ['- a', '- b']],
    ['a b c d', 'b c d e', ['- a', '  b', '  c', '  d', '+ e']],
    ['a a b', 'a b', ['  a', '- a', '  b']],
  ])('from "%s" to "%s"', (before, after, expected) => {
    expect(shown(before, after)).toEqual(expected);
  });

  it('shows three lines around each change and says how many it left out', () => {
    const before = Array.from({ length: 30 }, (_, index) => String(index));
    const after = before.map((line) => (line === '15' ? 'x' : line));
    expect(texts(diff(before, after))).toEqual([
      '  … 12 lines',
      '  12',
      '  13',
      '  14',
      '- 15',
      '+ x',
      '  16',
      '  17',
      '  18',
      '  … 11 lines',
    ]);
  });

  it('of much that is all different is not worked out line by line', () => {
    const many = (mark: string): string[] => Array.from({ length: 5000 }, (_, index) => `${mark}${index}`);
    expect(diff(many('a'), many('b'))).toHaveLength(10_000);
  });

  it('leads from one side to the other, whatever they are', () => {
    let seed = 7;
    const random = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below;
    for (let round = 0; round < 200; round += 1) {
      const side = (): string[] => Array.from({ length: random(7) }, () => 'abc'.charAt(random(3)));
      const [before, after] = [side(), side()];
      const all = diff(before, after);
      if (all.length === 0) expect(before).toEqual(after);
      else if (all.every(({ mark }) => mark !== '@')) {
        expect(all.filter(({ mark }) => mark !== '+').map(({ text }) => text)).toEqual(before);
        expect(all.filter(({ mark }) => mark !== '-').map(({ text }) => text)).toEqual(after);
      }
    }
  });

  it('has colours', () => {
    expect(diffText(diff(['a'], ['b']))).toEqual([
      { text: '- a', color: 'red' },
      { text: '+ b', color: 'green' },
    ]);
  });
});
