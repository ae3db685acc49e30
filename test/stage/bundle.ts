import { mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { build } from 'esbuild';
import { root } from './process.js';

/** Where Node finds the native drivers beside a program. */
const FOLDER = join(root, 'node_modules/.cache/selvage-test');
const LIBS = readdirSync(join(root, 'libs'));

/** Bundles a program from its sources, named by its path from the root of the repository; gives the bundle's path. */
export async function bundleProgram(source: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(root, source)],
    ...{ bundle: true, packages: 'external', platform: 'node', format: 'esm', target: 'node20', logLevel: 'warning' },
    write: false,
    conditions: ['@selvage/source'],
    alias: Object.fromEntries(LIBS.map((lib) => [`@selvage/${lib}`, join(root, `libs/${lib}/src/index.ts`)])),
  });
  const outfile = join(FOLDER, `${basename(source, '.ts')}.mjs`);
  const written = `${outfile}.${process.pid}`;
  mkdirSync(dirname(outfile), { recursive: true });
  writeFileSync(written, outputFiles[0]?.contents ?? '');
  // In one step: another test may start the same program now.
  renameSync(written, outfile);
  return outfile;
}
