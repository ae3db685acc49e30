import { endpoints, toEdgeError } from '@selvage/protocol';
import { examples, openSession, readContext, type Register, type World, writeContext } from '../world/index.js';

/** `selvage logout`: ends the session on the hub and forgets the token. */
export const logout: Register = (parent, world) => {
  const command = parent
    .command('logout')
    .description('end the session and forget its token')
    .action(() => run(world));
  examples(command, ['selvage logout']);
};

async function run(world: World): Promise<void> {
  const { contextFile } = world.config;
  const { token, ...rest } = await readContext(contextFile);
  if (token === undefined) {
    await world.out.write('You are not logged in.\n');
    return;
  }
  const ended = await end({ ...world, config: { contextFile, mayColor: false, version: world.config.version } });
  await writeContext(contextFile, rest);
  await world.out.write('Logged out.\n');
  if (ended !== undefined) await world.err.write(`selvage: The hub was not told: ${ended}\n`);
}

/** Why the hub could not be told; a session that it does not know any more is as good as ended. */
async function end(world: World): Promise<string | undefined> {
  try {
    const { client } = await openSession(world, {});
    await client.call(endpoints.session.logout, { signal: world.signal });
    return undefined;
  } catch (thrown) {
    const error = toEdgeError(thrown);
    return error.code === 'unauthenticated' ? undefined : error.message;
  }
}
