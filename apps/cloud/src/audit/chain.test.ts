import { describe, expect, it } from 'vitest';
import type { AuditLine } from './audit.entity.js';
import { BEGINNING, chainHash, firstBroken } from './chain.js';

function lines(count: number): AuditLine[] {
  let before = BEGINNING;
  return Array.from({ length: count }, (_, index) => {
    const line = {
      id: index + 1,
      at: 't',
      actor: 'a',
      action: 'PUT',
      target: '/x',
      project: null,
      outcome: 'ok',
      requestId: 'r',
    };
    before = chainHash(line, before);
    return { ...line, hash: before };
  });
}

describe('the chain of the audit log', () => {
  it('holds for lines as they were written', () => {
    expect(firstBroken(lines(5))).toBeUndefined();
    expect(firstBroken([])).toBeUndefined();
  });

  it.each(['at', 'actor', 'action', 'target', 'outcome', 'requestId', 'hash'] as const)(
    'breaks where %s was changed',
    (field) => {
      const all = lines(5);
      const forged = all.map((line, at) => (at === 2 ? { ...line, [field]: 'changed' } : line));
      expect(firstBroken(forged)).toBe(3);
    },
  );

  it('breaks where a line was left out', () => {
    expect(firstBroken(lines(5).filter(({ id }) => id !== 3))).toBe(4);
  });
});
