import { stringify } from 'yaml';
import { printable } from './table.js';

export const FORMATS = ['table', 'wide', 'json', 'yaml', 'name'] as const;
export type Format = (typeof FORMATS)[number];

/** Control characters that neither JSON nor YAML writes as an escape, though terminals obey them. */
const UNESCAPED = /[\u007F-\u009F]/g;

/** A value as JSON with an end of line. Nothing in it is a control character. */
export function json(value: unknown): string {
  const escape = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return `${JSON.stringify(value, null, 2).replace(UNESCAPED, escape)}\n`;
}

/** A value as YAML. Control characters are escapes in it, or the replacement character. */
export function yaml(value: unknown): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false }).replace(UNESCAPED, '\uFFFD');
}

/** Lines as a text without control characters in them, empty for none. */
export function text(lines: readonly string[]): string {
  return lines.map((line) => `${printable(line)}\n`).join('');
}
