import { endpoints } from '@selvage/protocol';
import { nameArgument } from '../arguments/index.js';
import { examples, openSession, type Register, type World } from '../world/index.js';

interface CreateOptions {
  readonly description?: string;
}

/** `selvage project`: the name spaces of everything. */
export const project: Register = (parent, world) => {
  const group = parent.command('project').description('create and delete projects');
  const create = group
    .command('create')
    .description('create a project')
    .argument('<name>')
    .option('--description <text>', 'what it is for')
    .action((name: string, options: CreateOptions) => put(world, name, options));
  examples(create, ['selvage project create shop --description "the shops in town"']);

  const remove = group
    .command('delete')
    .description('delete an empty project')
    .argument('<name>')
    .action((name: string) => drop(world, name));
  examples(remove, ['selvage project delete shop']);
};

async function put(world: World, given: string, body: CreateOptions): Promise<void> {
  const name = nameArgument(given);
  const { client } = await openSession(world, {});
  await client.call(endpoints.projects.put, { params: { project: name }, body, signal: world.signal });
  await world.out.write(`project/${name} created\n`);
}

async function drop(world: World, given: string): Promise<void> {
  const name = nameArgument(given);
  const { client } = await openSession(world, {});
  await client.call(endpoints.projects.remove, { params: { project: name }, signal: world.signal });
  await world.out.write(`project/${name} deleted\n`);
}
