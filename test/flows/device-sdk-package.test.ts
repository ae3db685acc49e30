import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from '@selvage/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root, run } from '../stage/process.js';

const PROGRAM = `import { connectDevice, defineModel } from '@selvage/device-sdk';

const model = defineModel({ temperature: { type: 'float', access: 'r' }, led: { type: 'boolean' } });
const device = connectDevice({ url: 'mqtt://127.0.0.1:1', id: 'thermometer', node: 'local', model });
device.twin.on('expected', ({ led }) => device.twin.report({ led: led ?? false }));
await device.close({ timeoutMs: 10 });
console.log('closed');
`;

/** As somebody has it who installs the package: what `npm pack` makes of it and of those it needs, outside of the checkout. */
describe('the package @selvage/device-sdk', () => {
  const folder = tempDir();
  const modules = join(folder.path, 'node_modules');
  const listed: string[] = [];

  beforeAll(() => {
    mkdirSync(join(modules, '@selvage'), { recursive: true });
    for (const name of ['mqtt', 'zod']) symlinkSync(join(root, 'node_modules', name), join(modules, name));
    for (const lib of ['protocol', 'reconcile', 'device-sdk']) {
      const pack = ['pack', '--silent', '--pack-destination', folder.path];
      execFileSync('npm', pack, { cwd: join(root, 'libs', lib) });
      const archive = join(folder.path, readdirSync(folder.path).find((name) => name.endsWith('.tgz')) ?? '');
      const files = execFileSync('tar', ['-tzf', archive], { encoding: 'utf8' }).trim().split('\n');
      if (lib === 'device-sdk') listed.push(...files);
      const target = join(modules, '@selvage', lib);
      mkdirSync(target);
      execFileSync('tar', ['-xzf', archive, '-C', target, '--strip-components=1']);
      rmSync(archive);
    }
    writeFileSync(join(folder.path, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(folder.path, 'main.ts'), PROGRAM);
    writeFileSync(join(folder.path, 'main.js'), PROGRAM);
  });
  afterAll(() => {
    folder.remove();
  });

  it('has what was built, its types and its README, and nothing else', () => {
    const own = ['package/package.json', 'package/README.md', 'package/dist/index.js', 'package/dist/index.d.ts'];
    expect(listed).toEqual(expect.arrayContaining(own));
    expect(listed.filter((name) => !own.includes(name) && !/^package\/dist\/[\w-]+(\.d\.ts|\.js)$/.test(name))).toEqual(
      [],
    );
    expect(listed.filter((name) => /test|fake/.test(name))).toEqual([]);
  });

  it('runs', async () => {
    const ran = await run([process.execPath, join(folder.path, 'main.js')], {});
    expect(ran).toEqual({ code: 0, output: 'closed\n' });
  });

  it('has types that a program is checked with', async () => {
    const tsc = join(root, 'node_modules/typescript-7/bin/tsc');
    const check = (file: string) =>
      run(
        [
          ...[
            process.execPath,
            tsc,
            '--ignoreConfig',
            '--noEmit',
            '--strict',
            '--module',
            'nodenext',
            '--target',
            'es2022',
          ],
          ...['--typeRoots', join(root, 'node_modules/@types'), '--types', 'node', join(folder.path, file)],
        ],
        {},
      );
    expect(await check('main.ts')).toEqual({ code: 0, output: '' });
    writeFileSync(join(folder.path, 'wrong.ts'), PROGRAM.replace('led ?? false', '"on"'));
    expect(await check('wrong.ts')).toMatchObject({ output: expect.stringContaining('is not assignable') as string });
  });
});
