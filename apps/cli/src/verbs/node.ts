import { endpoints } from '@selvage/protocol';
import { labelArguments, labelChanges, nameArgument, seconds } from '../arguments/index.js';
import { labelText } from '../nouns/index.js';
import { moment } from '../output/index.js';
import {
  collect,
  examples,
  inProject,
  openSession,
  type ProjectOptions,
  type Register,
  type World,
} from '../world/index.js';
import { nodeBroker } from './node-broker.js';

interface JoinOptions extends ProjectOptions {
  readonly ttl: string;
  readonly label?: readonly string[];
}

/** `selvage node`: lets machines join, and says how nodes are treated. */
export const node: Register = (parent, world) => {
  const group = parent
    .command('node')
    .description('let a machine join; enable, disable and label nodes; look at their brokers');
  const join = group
    .command('join')
    .description('make a join token and print the line to run on the machine')
    .argument('<name>', 'name of the node; it is created when it does not exist')
    .option('--ttl <duration>', 'how long the token is good for, 30d at most', '1h')
    .option('-l, --label <key=value>', 'label of the node; may be repeated', collect);
  inProject(join).action((name: string, options: JoinOptions) => joinLine(world, name, options));
  examples(join, ['selvage node join edge-1 --ttl 2h -l site=a', 'ssh edge-1 "$(selvage node join edge-1)"']);

  const enable = group.command('enable').description('let a node connect').argument('<name>');
  inProject(enable).action((name: string, options: ProjectOptions) =>
    setEnabled(world, name, { ...options, enabled: true }),
  );
  examples(enable, ['selvage node enable edge-1']);

  const disable = group
    .command('disable')
    .description('refuse the connection of a node; what runs on it goes on running')
    .argument('<name>');
  inProject(disable).action((name: string, options: ProjectOptions) =>
    setEnabled(world, name, { ...options, enabled: false }),
  );
  examples(disable, ['selvage node disable edge-1']);

  const label = group
    .command('label')
    .description('set labels of a node and take them away')
    .argument('<name>')
    .argument('<labels...>', 'key=value sets one, key- takes it away');
  inProject(label).action((name: string, given: string[], options: ProjectOptions) =>
    setLabels(world, name, { ...options, given }),
  );
  examples(label, ['selvage node label edge-1 site=a rack=7 old-']);

  nodeBroker(group, world);
};

async function joinLine(world: World, name: string, options: JoinOptions): Promise<void> {
  const ttlSeconds = seconds(options.ttl);
  const labels = labelArguments(options.label ?? []);
  const body = { ttlSeconds, ...(options.label !== undefined && { labels }) };
  const { client, project } = await openSession(world, options);
  const params = { project, name: nameArgument(name) };
  const { command, expiresAt } = await client.call(endpoints.nodes.join, { params, body, signal: world.signal });
  const until = moment(expiresAt, world.now());
  await world.err.write(`Run this on the machine that becomes ${name}; it works once, until ${until}:\n`);
  await world.out.write(`${command}\n`);
}

async function setEnabled(world: World, name: string, options: ProjectOptions & { enabled: boolean }): Promise<void> {
  const { enabled } = options;
  const { client, project } = await openSession(world, options);
  const params = { project, name: nameArgument(name) };
  await client.call(endpoints.nodes.patch, { params, body: { spec: { enabled } }, signal: world.signal });
  await world.out.write(`node/${name} ${enabled ? 'enabled' : 'disabled'}\n`);
}

async function setLabels(world: World, name: string, options: ProjectOptions & { given: string[] }): Promise<void> {
  const labels = labelChanges(options.given);
  const { client, project } = await openSession(world, options);
  const params = { project, name: nameArgument(name) };
  const changed = await client.call(endpoints.nodes.patch, { params, body: { labels }, signal: world.signal });
  await world.out.write(`node/${name} labelled ${labelText(changed.labels) || '(no labels)'}\n`);
}
