import { endpoints, type RouteSpec } from '@selvage/protocol';
import type { Command } from 'commander';
import { nameOf } from '../arguments/index.js';
import { examples, inProject, openSession, type ProjectOptions, type Register, type World } from '../world/index.js';
import { deadLetters } from './route-dead.js';
import { routeWatch } from './route-watch.js';

const STATES: readonly { verb: string; state: RouteSpec['state']; done: string; help: string }[] = [
  {
    ...{ verb: 'pause', state: 'paused', done: 'paused' },
    help: 'keep what a route takes and deliver nothing, until it is resumed',
  },
  {
    ...{ verb: 'resume', state: 'active', done: 'resumed' },
    help: 'deliver what a route kept, and go on',
  },
  {
    ...{ verb: 'stop', state: 'stopped', done: 'stopped' },
    help: 'take nothing more; what was taken before is still delivered',
  },
];

/** `selvage route`: pauses, resumes and stops routes, shows what they carry, and looks after what they gave up. */
export const route: Register = (parent, world) => {
  const group = parent
    .command('route')
    .description('pause, resume and stop routes; watch them; list, replay and discard what they gave up');
  for (const one of STATES) {
    const command = named(group.command(one.verb).description(one.help));
    inProject(command).action((given: string, options: ProjectOptions) =>
      setState(world, given, { ...options, ...one }),
    );
    examples(command, [`selvage route ${one.verb} readings`]);
  }
  deadLetters(group, world);
  routeWatch(group, world);
};

function named(command: Command): Command {
  return command.argument('<name>', 'NAME or route/NAME');
}

async function setState(
  world: World,
  given: string,
  { state, done, ...options }: ProjectOptions & { readonly state: RouteSpec['state']; readonly done: string },
): Promise<void> {
  const name = nameOf([given], 'route');
  const { client, project } = await openSession(world, options);
  await client.call(endpoints.routes.patch, {
    params: { project, name },
    body: { spec: { state } },
    signal: world.signal,
  });
  await world.out.write(`route/${name} ${done}\n`);
}
