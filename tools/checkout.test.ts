import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir, type TempDir, until } from '@selvage/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

/** Stands for the build: notes that it began, and ends when it may, or when its folder is gone. */
const BUILD =
  'echo build >> builds; while [ -e builds ] && [ ! -e may-end ]; do sleep 0.02; done; mkdir -p libs/a/dist; touch libs/a/dist/index.js';
const CHECKOUT = join(import.meta.dirname, 'checkout.mjs');
const PROGRAM = `import { buildOf } from ${JSON.stringify(CHECKOUT)};
const problem = buildOf(process.cwd(), console.log);
if (problem !== undefined) throw new Error(problem);`;

describe('the build of a checkout', () => {
  let root: TempDir;
  const started: ChildProcess[] = [];
  beforeEach(() => {
    root = tempDir();
    for (const folder of ['apps', 'libs/a/src', 'node_modules/.cache/selvage'])
      mkdirSync(join(root.path, folder), { recursive: true });
    write('package.json', JSON.stringify({ scripts: { build: BUILD } }));
    write('libs/a/package.json', '{}');
    write('libs/a/src/index.ts', 'export {};');
  });
  afterEach(() => {
    for (const one of started.splice(0)) one.kill('SIGKILL');
    root.remove();
  });

  const write = (path: string, text: string): void => {
    writeFileSync(join(root.path, path), text);
  };
  const builds = (): string[] => readFileSync(join(root.path, 'builds'), 'utf8').trim().split('\n');
  /** Builds; `says` waits for what it says, `code` for its end. */
  const build = () => {
    const one = spawn(process.execPath, ['--input-type=module', '--eval', PROGRAM], { cwd: root.path, stdio: 'pipe' });
    started.push(one);
    let said = '';
    const more = (piece: Buffer): void => {
      said += piece.toString();
    };
    one.stdout.on('data', more);
    one.stderr.on('data', more);
    const ended = once(one, 'close').then(([code]) => ({ code: code as number | null, said }));
    const says = (words: RegExp): Promise<void> =>
      until(() => words.test(said), { describe: () => `${String(words)} in ${said}` });
    return { pid: one.pid ?? 0, ended, says };
  };

  it('is made once by two at once: the other waits, and says for whom', async () => {
    const first = build();
    await first.says(/^Building/m);
    const second = build();
    await second.says(new RegExp(`^Process ${first.pid} builds this checkout; waiting for it`, 'm'));
    write('may-end', '');
    expect([(await first.ended).code, (await second.ended).code, builds()]).toEqual([0, 0, ['build']]);
  });

  it('is made though somebody who began it is no more, and not again when nothing changed', async () => {
    write('node_modules/.cache/selvage/building', String(spawnSync('true').pid));
    write('may-end', '');
    expect(await build().ended).toMatchObject({ code: 0 });
    expect(await build().ended).toEqual({ code: 0, said: '' });
    write('libs/a/src/index.ts', 'export const more = 1;');
    expect(await build().ended).toMatchObject({ code: 0 });
    expect(builds()).toEqual(['build', 'build']);
  });

  it('is made again when a source changed meanwhile', async () => {
    const first = build();
    await first.says(/^Building/m);
    await until(() => existsSync(join(root.path, 'builds')));
    write('libs/a/src/index.ts', 'export const more = 1;');
    write('may-end', '');
    expect(await first.ended).toMatchObject({ code: 0 });
    expect(await build().ended).toMatchObject({ code: 0 });
    expect(builds()).toEqual(['build', 'build']);
  });
});
