import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');

/** A TypeScript file of the repository with what it imports. */
export interface SourceFile {
  /** Path from the root of the repository. */
  readonly path: string;
  readonly text: string;
  readonly lines: number;
  readonly isTest: boolean;
  readonly imports: readonly string[];
  /** Those that are there when the program runs: types are not. */
  readonly needs: readonly string[];
}

/** Every TypeScript file that git knows or would take. */
export function sources(): SourceFile[] {
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.ts'], {
    cwd: root,
    encoding: 'utf8',
  });
  return listed
    .split('\n')
    .filter((path) => path !== '' && existsSync(join(root, path)))
    .map(read);
}

function read(path: string): SourceFile {
  const text = readFileSync(join(root, path), 'utf8');
  const imports = [
    ...text.matchAll(
      /(?:^|\n)\s*(?:import|export)\b( type\b)?[^;'"]*?from\s+'([^']+)'|\bimport\('([^']+)'\)|(?:^|\n)import '([^']+)'/g,
    ),
  ].map(([, type, from, dynamic, bare]) => ({ type, of: from ?? dynamic ?? bare ?? '' }));
  return {
    path,
    text,
    lines: text.split('\n').length - 1,
    isTest: /\.test\.ts$|^test\/|^libs\/testkit\/|\/(fake-|test-)[^/]*\.ts$|-contract\.ts$/.test(path),
    imports: imports.map(({ of }) => of),
    needs: imports.filter(({ type }) => type === undefined).map(({ of }) => of),
  };
}
