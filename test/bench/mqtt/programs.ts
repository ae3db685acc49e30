import { join } from 'node:path';
import { build } from 'esbuild';
import { root } from '../../stage/process.js';

const FOLDER = join(root, 'node_modules/.cache/selvage-bench/mqtt');
const LIBS = ['outbox', 'pki', 'protocol', 'reconcile', 'wire'];

export type ProgramName = 'selvage-program' | 'aedes-program' | 'load' | 'ceilings-program';

/** Bundles the programs of this folder from their sources, once for a run. */
export class Programs {
  #built: Promise<unknown> | undefined;

  async path(name: ProgramName): Promise<string> {
    this.#built ??= build({
      entryPoints: ['selvage-program', 'aedes-program', 'load', 'ceilings-program'].map((one) =>
        join(root, `test/bench/mqtt/${one}.ts`),
      ),
      ...{ outdir: FOLDER, outExtension: { '.js': '.mjs' }, target: 'node20', logLevel: 'warning' },
      ...{ bundle: true, packages: 'external', platform: 'node', format: 'esm' },
      conditions: ['@selvage/source'],
      alias: Object.fromEntries(LIBS.map((lib) => [`@selvage/${lib}`, join(root, `libs/${lib}/src/index.ts`)])),
    });
    await this.#built;
    return join(FOLDER, `${name}.mjs`);
  }
}
