import { examples, type Register } from '../world/index.js';

/** `selvage version` */
export const version: Register = (parent, world) => {
  const command = parent
    .command('version')
    .description('print the version of this program')
    .action(() => world.out.write(`selvage ${world.config.version}\n`));
  examples(command, ['selvage version']);
};
