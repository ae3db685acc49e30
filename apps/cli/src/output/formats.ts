import { Document, visit } from 'yaml';
import { printable } from './terminal.js';

export const FORMATS = ['table', 'wide', 'json', 'yaml', 'manifest', 'name'] as const;
export type Format = (typeof FORMATS)[number];

/** What neither JSON nor YAML writes as an escape, though terminals obey it or do not show it. */
const UNESCAPED = /[\u007F-\u009F\p{Cf}\p{Zl}\p{Zp}]/gu;

/** A value as JSON with an end of line. What a terminal would obey is an escape in it. */
export function json(value: unknown): string {
  return escapedJson(value, 2);
}

/** The same on one line, for what comes piece by piece. */
export function jsonLine(value: unknown): string {
  return escapedJson(value);
}

function escapedJson(value: unknown, indent?: number): string {
  const escape = (char: string): string => Array.from({ length: char.length }, (_, at) => unit(char, at)).join('');
  return `${JSON.stringify(value, null, indent).replace(UNESCAPED, escape)}\n`;
}

/** A value as YAML. What a terminal would obey is an escape in it. */
export function yaml(value: unknown): string {
  const document = new Document(value, { aliasDuplicateObjects: false });
  visit(document, {
    // Between double quotes alone an escape is one.
    Scalar: (_key, node) => {
      if (typeof node.value === 'string' && node.value.search(UNESCAPED) !== -1) node.type = 'QUOTE_DOUBLE';
    },
  });
  const escape = (char: string): string => `\\U${hex(char.codePointAt(0), 8)}`;
  return document.toString({ lineWidth: 0 }).replace(UNESCAPED, escape);
}

/** JSON has escapes of 16 bits only. */
function unit(char: string, at: number): string {
  return `\\u${hex(char.charCodeAt(at), 4)}`;
}

function hex(code = 0, digits: number): string {
  return code.toString(16).padStart(digits, '0');
}

/** A value in a format that programs read; undefined for those that people read. */
export function structured(value: unknown, format: Format): string | undefined {
  if (format === 'json') return json(value);
  return format === 'yaml' ? yaml(value) : undefined;
}

/** Lines as a text, each one line whatever is in it; empty for none. */
export function text(lines: readonly string[]): string {
  return lines.map((line) => `${printable(line)}\n`).join('');
}
