import { endpoints } from '@selvage/protocol';
import { nameOf } from '../arguments/index.js';
import { oneLine } from '../output/index.js';
import {
  examples,
  inProject,
  openSession,
  type ProjectOptions,
  Refused,
  type Register,
  type World,
} from '../world/index.js';

/** `selvage endpoint`: tries whether the other side of routes can be reached. */
export const endpoint: Register = (parent, world) => {
  const group = parent.command('endpoint').description('try whether an endpoint of routes can be reached');
  const test = group
    .command('test')
    .description('try whether an endpoint can be reached with its credentials; ends with 1 when it cannot')
    .argument('<name>', 'NAME or endpoint/NAME');
  inProject(test).action((given: string, options: ProjectOptions) => run(world, given, options));
  examples(test, ['selvage endpoint test alarms']);
};

async function run(world: World, given: string, options: ProjectOptions): Promise<void> {
  const name = nameOf([given], 'endpoint');
  const { client, project } = await openSession(world, options);
  const input = { params: { project, name }, signal: world.signal };
  const { ok, detail, tookMs } = await client.call(endpoints.endpoints.test, input);
  if (!ok) throw new Refused(`endpoint/${name} cannot be reached: ${oneLine(detail).replace(/\.$/, '')}`);
  await world.out.write(`endpoint/${name} can be reached (${Math.round(tookMs)} ms)\n`);
}
