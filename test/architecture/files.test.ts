import { describe, expect, it } from 'vitest';
import { sources } from './sources.js';

const files = sources();

describe('a file', () => {
  it('is one of many that were found', () => {
    expect(files.length).toBeGreaterThan(50);
  });

  it('has at most 300 lines, a test at most 400', () => {
    const long = files.filter(({ isTest, lines }) => lines > (isTest ? 400 : 300));
    expect(long.map(({ path, lines }) => `${path}: ${lines}`)).toEqual([]);
  });

  it('with tests lies where a group of tests looks for it', () => {
    const groups = /^((apps|libs)\/[^/]+\/src|tools|test\/(architecture|conformance|faults|flows))\//;
    const tests = files.filter(({ path }) => /\.(test|spec)\.ts$/.test(path));
    expect(tests.filter(({ path }) => !groups.test(path)).map(({ path }) => path)).toEqual([]);
  });

  it('is no drawer', () => {
    const drawers = files.filter(({ path }) =>
      /(^|[/.-])(utils?|helpers?|common|misc|shared|manager)([/.-]|$)/.test(path),
    );
    expect(drawers.map(({ path }) => path)).toEqual([]);
  });

  it('is named in kebab-case', () => {
    const odd = files.filter(({ path }) => !/^[a-z0-9./-]+$/.test(path));
    expect(odd.map(({ path }) => path)).toEqual([]);
  });

  it.each([
    [
      'an escape from the type checker',
      /: any\b(?! [a-z])|\bas any\b(?! [a-z])|@ts-(ignore|expect-error|nocheck)|eslint-disable/,
    ],
    [
      'a TLS peer that is not verified',
      /rejectUnauthorized: *false|NODE_TLS_REJECT_UNAUTHORIZED|checkServerIdentity: *\(\) *=>/,
    ],
    ['a test that does not run', /(?<!this)\.(skip|only|todo|fails|skipIf|runIf)[.(]/],
    ['an empty catch', /catch *(\([^)]*\))? *\{\s*\}/],
    ['a sleep', /await (sleep|delay)\(/],
  ])('has no %s', (_what, pattern) => {
    const guilty = files.filter(({ path, text }) => pattern.test(text) && !path.startsWith('test/architecture/'));
    expect(guilty.map(({ path }) => path)).toEqual([]);
  });
});
