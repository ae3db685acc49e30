import { endpoints } from '@selvage/protocol';
import { referenceOf } from '../arguments/index.js';
import {
  examples,
  inProject,
  openSession,
  passwordsOf,
  type ProjectOptions,
  type Register,
  UsageError,
  type World,
} from '../world/index.js';

const NOUNS = ['device', 'client'] as const;

interface Options extends ProjectOptions {
  readonly username?: string;
  readonly passwordStdin?: true;
  readonly remove?: true;
}

/** `selvage password`: one's own, or user name and password of a device or client on the broker of its node. */
export const password: Register = (parent, world) => {
  const command = parent
    .command('password')
    .description('change your own password, or the one by which a device or client logs in to its node')
    .argument('[object...]', 'device/NAME or client/NAME; without it your own password')
    .option('--username <name>', 'user name of the device or client (its name)')
    .option('--remove', 'take user name and password away from the device or client')
    .option('--password-stdin', 'read standard input: your current and your new password, or that of the device');
  inProject(command).action((given: string[], options: Options) =>
    given.length === 0 ? changeOwn(world, options) : changeLogin(world, given, options),
  );
  examples(command, [
    'selvage password',
    'selvage password device/lamp-1 --username lamp-1 --password-stdin < password.txt',
    'selvage password device/lamp-1 --remove',
  ]);
};

async function changeOwn(world: World, options: Options): Promise<void> {
  if (options.remove || options.username !== undefined)
    throw new UsageError('--username and --remove are for a device or client: name it');
  const { client } = await openSession(world, options);
  const questions = ['current password', 'new password'];
  const [current = '', next = ''] = await passwordsOf(world, { questions, fromStdin: options.passwordStdin === true });
  await client.call(endpoints.session.password, { body: { current, next }, signal: world.signal });
  await world.out.write('Your password is changed.\n');
}

async function changeLogin(world: World, given: readonly string[], options: Options): Promise<void> {
  const { noun, name } = referenceOf(given, NOUNS);
  const { username = name } = options;
  const { client, project } = await openSession(world, options);
  const { login, logout } = noun === 'device' ? endpoints.devices : endpoints.clients;
  const target = { params: { project, name }, signal: world.signal };
  if (options.remove) {
    await client.call(logout, target);
    await world.out.write(`${noun}/${name} has no user name and password any more\n`);
    return;
  }
  const questions = [`password of ${noun}/${name}`];
  const [secret = ''] = await passwordsOf(world, { questions, fromStdin: options.passwordStdin === true });
  await client.call(login, { ...target, body: { username, password: secret } });
  await world.out.write(`${noun}/${name} logs in as "${username}" with this password from now on\n`);
}
