import { endpoints, role, type Role } from '@selvage/protocol';
import { Option } from 'commander';
import { nameArgument, seconds } from '../arguments/index.js';
import { moment } from '../output/index.js';
import { examples, openSession, type Register, type World } from '../world/index.js';

interface CreateOptions {
  readonly role: Role;
  readonly projects?: string;
  readonly expires?: string;
}

/** `selvage token`: API tokens for programs. */
export const token: Register = (parent, world) => {
  const group = parent.command('token').description('make and delete API tokens for programs');
  const create = group
    .command('create')
    .description('make an API token; it is printed this once')
    .argument('<name>')
    .addOption(new Option('--role <role>', 'what it may do').choices(role.options).makeOptionMandatory())
    .option('--projects <names>', 'only these projects, separated by commas')
    .option('--expires <duration>', 'how long it is good for; without it, for ever')
    .action((name: string, options: CreateOptions) => make(world, name, options));
  examples(create, ['selvage token create ci --role operator --projects shop --expires 30d']);

  const remove = group
    .command('delete')
    .description('revoke an API token')
    .argument('<name>')
    .action((name: string) => revoke(world, name));
  examples(remove, ['selvage token delete ci']);
};

async function make(world: World, given: string, options: CreateOptions): Promise<void> {
  const body = {
    name: nameArgument(given),
    role: options.role,
    ...(options.projects !== undefined && {
      projects: options.projects.split(',').map((one) => nameArgument(one.trim())),
    }),
    ...(options.expires !== undefined && { expiresInSeconds: seconds(options.expires) }),
  };
  const { client } = await openSession(world, {});
  const made = await client.call(endpoints.tokens.make, { body, signal: world.signal });
  const until = made.expiresAt === undefined ? 'for ever' : `until ${moment(made.expiresAt, world.now())}`;
  await world.err.write(`token/${made.name} created (${made.role}), good ${until}. It is shown this once:\n`);
  await world.out.write(`${made.token}\n`);
}

async function revoke(world: World, given: string): Promise<void> {
  const name = nameArgument(given);
  const { client } = await openSession(world, {});
  await client.call(endpoints.tokens.remove, { params: { name }, signal: world.signal });
  await world.out.write(`token/${name} deleted\n`);
}
