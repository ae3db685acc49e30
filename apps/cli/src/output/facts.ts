import { aligned, oneLine } from './table.js';

/** `name: value` lines; those without a value are left out. */
export type Facts = readonly (readonly [name: string, value: string | undefined])[];

/** Facts below each other, the values aligned. A value of several lines goes on under itself. */
export function factLines(facts: Facts): string[] {
  const told = facts.flatMap(([name, value]) => (value === undefined || value === '' ? [] : rows(`${name}:`, value)));
  return aligned([told.map(([name]) => name), told.map(([, value]) => value)]);
}

/** A title, and lines indented under it; nothing at all without lines. */
export function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', `${title}:`, ...indented(lines)];
}

/** Lines moved in by two spaces. */
export function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`.trimEnd());
}

function rows(name: string, value: string): [string, string][] {
  return value.split('\n').map((line, index) => [index === 0 ? name : '', oneLine(line)]);
}
