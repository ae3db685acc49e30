import type { Color } from './terminal.js';

/** A line of a comparison: only before, only after, on both sides, or a gap of unchanged lines. */
export interface DiffLine {
  readonly mark: '-' | '+' | ' ' | '@';
  readonly text: string;
}

const CONTEXT = 3;
/** Above this many cells the changed part is shown as removed and added as a whole. */
const MAX_CELLS = 4_000_000;

/** What changed between two lists of lines, with three lines of context around each change; empty when nothing did. */
export function diff(before: readonly string[], after: readonly string[]): DiffLine[] {
  const all = compare(before, after);
  const changed = all.flatMap(({ mark }, index) => (mark === ' ' ? [] : [index]));
  return withContext(all, changed);
}

/** A line as it is shown, and its colour where there are colours. */
export interface Shown {
  readonly text: string;
  readonly color: Color | undefined;
}

const COLOR = { '-': 'red', '+': 'green', ' ': undefined, '@': 'faint' } as const;

/** The comparison as lines to show. */
export function diffText(lines: readonly DiffLine[]): Shown[] {
  return lines.map(({ mark, text }) => ({
    text: mark === '@' ? `  … ${text}` : `${mark} ${text}`,
    color: COLOR[mark],
  }));
}

function compare(before: readonly string[], after: readonly string[]): DiffLine[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1;
  let tail = 0;
  const most = Math.min(before.length, after.length) - start;
  while (tail < most && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail += 1;
  const same = (text: string): DiffLine => ({ mark: ' ', text });
  return [
    ...before.slice(0, start).map(same),
    ...middle(before.slice(start, before.length - tail), after.slice(start, after.length - tail)),
    ...before.slice(before.length - tail).map(same),
  ];
}

function middle(before: readonly string[], after: readonly string[]): DiffLine[] {
  const removed = (text: string): DiffLine => ({ mark: '-', text });
  const added = (text: string): DiffLine => ({ mark: '+', text });
  if (before.length * after.length > MAX_CELLS) return [...before.map(removed), ...after.map(added)];
  const table = commonLengths(before, after);
  const lines: DiffLine[] = [];
  let [a, b] = [0, 0];
  while (a < before.length || b < after.length) {
    if (a < before.length && b < after.length && before[a] === after[b]) {
      lines.push({ mark: ' ', text: before[a] ?? '' });
      [a, b] = [a + 1, b + 1];
    } else if (b >= after.length || (a < before.length && table(a + 1, b) >= table(a, b + 1))) {
      lines.push(removed(before[a] ?? ''));
      a += 1;
    } else {
      lines.push(added(after[b] ?? ''));
      b += 1;
    }
  }
  return lines;
}

/** Length of the longest common subsequence of what follows a place in each list. */
function commonLengths(before: readonly string[], after: readonly string[]): (a: number, b: number) => number {
  const width = after.length + 1;
  const lengths = new Uint32Array((before.length + 1) * width);
  const at = (a: number, b: number): number => lengths[a * width + b] ?? 0;
  for (let a = before.length - 1; a >= 0; a -= 1)
    for (let b = after.length - 1; b >= 0; b -= 1)
      lengths[a * width + b] = before[a] === after[b] ? at(a + 1, b + 1) + 1 : Math.max(at(a + 1, b), at(a, b + 1));
  return at;
}

function withContext(all: readonly DiffLine[], changed: readonly number[]): DiffLine[] {
  const shown = new Set(
    changed.flatMap((index) => Array.from({ length: CONTEXT * 2 + 1 }, (_, offset) => index - CONTEXT + offset)),
  );
  const lines: DiffLine[] = [];
  let hidden = 0;
  const gap = (): void => {
    if (hidden > 0) lines.push({ mark: '@', text: hidden === 1 ? '1 line' : `${hidden} lines` });
    hidden = 0;
  };
  for (const [index, line] of all.entries()) {
    if (!shown.has(index)) hidden += 1;
    else {
      gap();
      lines.push(line);
    }
  }
  if (lines.length > 0) gap();
  return lines;
}
