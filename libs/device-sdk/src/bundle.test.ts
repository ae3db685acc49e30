import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { tempDir, type TempDir, until } from '@selvage/testkit';
import { build, type BuildOptions } from 'esbuild';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestNode } from './test-node.js';

const root = resolve(import.meta.dirname, '../../..');
const options: BuildOptions = { bundle: true, format: 'esm', conditions: ['@selvage/source'], logLevel: 'silent' };
let folder: TempDir;
let child: ChildProcess | undefined;

beforeEach(() => {
  folder = tempDir();
});

afterEach(async () => {
  if (child?.exitCode === null && child.kill('SIGKILL')) await once(child, 'exit');
  folder.remove();
});

describe('a bundle', () => {
  it('for browsers needs nothing of Node', async () => {
    const entryPoints = [join(import.meta.dirname, 'index.ts')];
    const { metafile, outputFiles } = await build({
      ...options,
      entryPoints,
      platform: 'browser',
      write: false,
      metafile: true,
    });
    expect(Object.values(metafile.outputs).flatMap(({ imports }) => imports)).toEqual([]);
    const own = Object.entries(metafile.inputs).filter(([path]) => path.startsWith('libs/'));
    expect(own.length).toBeGreaterThan(10);
    expect(own.flatMap(([, { imports }]) => imports).filter(({ path }) => path.startsWith('node:'))).toEqual([]);
    expect(outputFiles).toHaveLength(1);
  });
});

describe('the thermometer', () => {
  it('reports, does what is expected of it, and stops cleanly', async () => {
    const node = await TestNode.start({ interval: { type: 'int', min: 1 } });
    node.rename('thermometer');
    const outfile = join(folder.path, 'main.mjs');
    const entryPoints = [join(root, 'examples/thermometer/main.js')];
    const banner = { js: `import { createRequire } from 'node:module'; const require = createRequire('${outfile}');` };
    await build({ ...options, entryPoints, platform: 'node', outfile, banner });
    const program = spawn(process.execPath, [outfile, '--url', node.url], { stdio: ['ignore', 'pipe', 'inherit'] });
    child = program;
    let said = '';
    program.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const saying = (words: string): Promise<void> =>
      until(() => said.includes(words), { describe: () => `${words} in ${said}` });
    await saying('21 °C stored');
    node.wish('interval', '1', { cloud: 1, edge: 0 });
    await saying('expected: {"interval":1}');
    await until(() => node.actual('interval') === '1');
    node.publish('default/nodes/local/user/thermometer/set', 'hello');
    await saying('command: hello');
    program.kill('SIGTERM');
    const [code] = (await once(program, 'exit')) as [number | null];
    expect(code).toBe(0);
    await until(() => node.texts('state/update').some((text) => text.includes('offline')));
    await node.stop();
  });
});
