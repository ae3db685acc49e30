import { Command } from 'commander';
import { verbs } from './verbs/index.js';
import { failed, type World } from './world/index.js';

export type { World } from './world/index.js';

/** Runs one command line and gives its exit code: 0 done, 1 refused, 2 usage, 3 hub unreachable. */
export async function run(args: readonly string[], world: World): Promise<number> {
  const printed: Promise<void>[] = [];
  const program = new Command('selvage')
    .description('Manages edge nodes and the apps on them through a Selvage hub.')
    .version(`selvage ${world.config.version}`, '-V, --version', 'print the version of this program')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [verb]', 'show help of a verb')
    .showSuggestionAfterError()
    .showHelpAfterError('(--help says more)')
    .configureOutput({
      writeOut: (text) => printed.push(world.out.write(text)),
      writeErr: (text) => printed.push(world.err.write(text)),
      outputError: (text, write) => {
        write(text.replace(/^error: /, 'selvage: '));
      },
    })
    .exitOverride();
  for (const register of verbs) register(program, world);
  try {
    await program.parseAsync(args, { from: 'user' });
    return 0;
  } catch (thrown) {
    return await failed(world, thrown);
  } finally {
    await Promise.all(printed);
  }
}
