import { createClient } from '@selvage/api-client';
import { endpoints } from '@selvage/protocol';
import { nameArgument } from '../arguments/index.js';
import { moment } from '../output/index.js';
import {
  askHidden,
  DEFAULT_URL,
  examples,
  readContext,
  readInput,
  type Register,
  urlOf,
  UsageError,
  type World,
  writeContext,
} from '../world/index.js';

interface Options {
  readonly url?: string;
  readonly username: string;
  readonly project?: string;
  readonly passwordStdin?: true;
}

const MAX_PASSWORD = 4096;

/** `selvage login`: trades a password for a token and writes that down. The password is never an argument. */
export const login: Register = (parent, world) => {
  const command = parent
    .command('login')
    .description('log in to a hub and remember it')
    .option('--url <url>', `where the hub is (${DEFAULT_URL})`)
    .option('--username <name>', 'who you are', 'admin')
    .option('-p, --project <name>', 'project that commands are about from now on')
    .option('--password-stdin', 'read the password from standard input')
    .action((options: Options) => run(world, options));
  examples(command, [
    'selvage login --url http://127.0.0.1:8080',
    'selvage login --password-stdin < password.txt',
    'SELVAGE_PASSWORD=… selvage login',
  ]);
};

async function run(world: World, options: Options): Promise<void> {
  const { contextFile } = world.config;
  const context = await readContext(contextFile);
  const url = urlOf(options.url ?? world.config.url ?? context.url ?? DEFAULT_URL);
  const project = options.project === undefined ? context.project : nameArgument(options.project);
  if (isReadable(url)) await world.err.write(`selvage: ${url} is not encrypted: the password travels readable.\n`);
  const { username } = options;
  const password = await passwordOf(world, { url, ...options });
  const { signal } = world;
  const answer = await createClient({ url }).call(endpoints.session.login, { body: { username, password }, signal });
  await writeContext(contextFile, { url, token: answer.token, ...(project !== undefined && { project }) });
  const until = moment(answer.expiresAt, world.now());
  await world.out.write(`Logged in to ${url} as ${username} (${answer.role}) until ${until}.\n`);
}

async function passwordOf(world: World, options: Options): Promise<string> {
  if (options.passwordStdin) {
    const password = (await readInput(world, MAX_PASSWORD))?.replace(/\r?\n$/, '');
    if (password === undefined || password === '') throw new UsageError('no password came on standard input');
    return password;
  }
  if (world.config.password !== undefined) return world.config.password;
  if (world.in.isTTY === true) return askHidden(world, `Password of ${options.username} at ${options.url ?? ''}: `);
  throw new UsageError('there is no terminal to ask for the password: use --password-stdin or SELVAGE_PASSWORD');
}

/** Whether others on the way could read along. */
function isReadable(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'http:' && !/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}
