import { createHash } from 'node:crypto';
import type { AuditLine } from './audit.entity.js';

export type UnsealedLine = Omit<AuditLine, 'hash'>;

/** Hash of the line before the first one. */
export const BEGINNING = '0'.repeat(64);

/** Hash that ties a line to the one before it: changing or leaving out any line breaks all that follow. */
export function chainHash(line: UnsealedLine, before: string): string {
  const { id, at, actor, action, target, project, outcome, requestId } = line;
  const text = JSON.stringify([before, id, at, actor, action, target, project, outcome, requestId]);
  return createHash('sha256').update(text).digest('hex');
}

/** Id of the first line that does not fit the chain; undefined when all do. `before` is the hash of the line before the first. */
export function firstBroken(lines: readonly AuditLine[], before = BEGINNING): number | undefined {
  let last = before;
  for (const line of lines) {
    if (chainHash(line, last) !== line.hash) return line.id;
    last = line.hash;
  }
  return undefined;
}
