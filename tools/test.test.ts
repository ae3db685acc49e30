import { spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir, type TempDir } from '@selvage/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** Stands for Vitest: writes the report that it is given, if any, where it is told to, and ends as it is told to. */
const VITEST = `#!/bin/sh
for last; do :; done
[ -z "$REPORT" ] || printf '%s' "$REPORT" > "\${last#*=}"
[ "$ENDS" != killed ] || kill -9 $$
exit "$ENDS"
`;
const counts = (numTotalTests: number, numPassedTests: number, numFailedTests: number): string =>
  JSON.stringify({ success: numFailedTests === 0, numTotalTests, numPassedTests, numFailedTests });

describe('npm test', () => {
  let folder: TempDir;
  beforeAll(() => {
    folder = tempDir();
    writeFileSync(join(folder.path, 'npx'), VITEST);
    chmodSync(join(folder.path, 'npx'), 0o755);
  });
  afterAll(() => {
    folder.remove();
  });

  const npmTest = (env: Record<string, string>): { code: number | null; output: string } => {
    const others = 'build,lint,types,conformance,docker';
    const run = spawnSync(process.execPath, [join(import.meta.dirname, 'test.mjs'), '--without', others], {
      env: { ...process.env, ...env, PATH: `${folder.path}:${process.env.PATH ?? ''}` },
      encoding: 'utf8',
    });
    return { code: run.status, output: run.stdout + run.stderr };
  };

  it('passes when every test passed', () => {
    expect(npmTest({ ENDS: '0', REPORT: counts(3, 3, 0) })).toMatchObject({
      code: 0,
      output: expect.stringMatching(/^3 passed, 0 failed$/m) as string,
    });
  });

  it.each([
    ['a test failed', '1', counts(3, 2, 1), '2 passed, 1 failed'],
    ['a file could not be read', '1', counts(3, 3, 0), 'unit tests: ended with 1'],
    ['Vitest was killed', 'killed', '', 'unit tests: ended with SIGKILL'],
    ['Vitest ended well and left no report', '0', '', 'unit tests: there is no whole report'],
    ['its report is cut', '0', counts(3, 3, 0).slice(0, -9), 'unit tests: there is no whole report'],
    ['its report names a failure though it ended well', '0', counts(3, 2, 1), '2 passed, 1 failed'],
    ['there was no test', '0', counts(0, 0, 0), 'unit tests: there was none'],
    ['a test was skipped', '0', counts(3, 2, 0), 'unit tests: 1 of them did not run'],
  ])('fails when %s', (_what, ENDS, REPORT, says) => {
    expect(npmTest({ ENDS, REPORT })).toMatchObject({ code: 1, output: expect.stringContaining(says) as string });
  });
});
