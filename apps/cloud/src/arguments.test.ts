import { VERSION } from '@selvage/protocol';
import { describe, expect, it } from 'vitest';
import { answerTo, UsageError } from './arguments.js';

describe('the hub, asked', () => {
  it('for nothing, runs', () => {
    expect(answerTo([])).toBeUndefined();
  });

  it('for its version or for help, answers instead of running', () => {
    expect(answerTo(['--version'])).toBe(VERSION);
    expect(answerTo(['-h'])).toContain('SELVAGE_DATABASE_URL');
  });

  it.each([['--frob'], ['start'], ['--version=2']])('for %s, says what it knows', (argument) => {
    expect(() => answerTo([argument])).toThrow(UsageError);
  });
});
