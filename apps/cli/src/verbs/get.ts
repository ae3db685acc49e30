import { Option } from 'commander';
import { count, nameArgument, nounOf, type NounName } from '../arguments/index.js';
import {
  apps,
  audit,
  certificates,
  clients,
  deviceModels,
  devices,
  type Filter,
  messageEndpoints,
  nodes,
  type Noun,
  projects,
  routes,
  secrets,
  tokens,
} from '../nouns/index.js';
import { columnsOf, type Format, FORMATS, structured, tableLines, text, yaml } from '../output/index.js';
import {
  examples,
  inProject,
  openSession,
  type ProjectOptions,
  type Register,
  type Session,
  UsageError,
  type World,
} from '../world/index.js';
import { watch } from './watch.js';

export interface GetOptions extends ProjectOptions {
  readonly selector?: string;
  readonly state?: string;
  readonly node?: string;
  readonly limit?: number;
  readonly output: Format;
  readonly watch?: true;
}

type Show = (world: World, name: string | undefined, options: GetOptions) => Promise<void>;

const SHOW: Readonly<Record<NounName, Show>> = {
  node: shower(nodes),
  app: shower(apps),
  secret: shower(secrets),
  device: shower(devices),
  'device-model': shower(deviceModels),
  client: shower(clients),
  endpoint: shower(messageEndpoints),
  route: shower(routes),
  project: shower(projects),
  token: shower(tokens),
  audit: shower(audit),
  certificate: shower(certificates),
};
const NOUNS = [
  'node',
  'app',
  'secret',
  'device',
  'device-model',
  'client',
  'endpoint',
  'route',
  'project',
  'certificate',
  'token',
  'audit',
] as const;

/** `selvage get`: one line for each object. */
export const get: Register = (parent, world) => {
  const command = parent
    .command('get')
    .description(
      'list objects: nodes, apps, secrets, devices, device-models, clients, endpoints, routes, projects, certificates NODE|device/NAME, tokens, audit',
    )
    .argument('<noun>', 'what to list')
    .argument('[name]', 'one object of it; for certificates the node')
    .option('-l, --selector <labels>', 'only those with these labels: site=a,tier in (x,y),!old')
    .option('--state <state>', 'only those in this state: ready, offline, running, failed, …')
    .option('--node <name>', 'only apps, devices or clients of this node');
  inProject(command)
    .option('--limit <count>', 'at most this many', count)
    .addOption(outputOption())
    .option('-w, --watch', 'go on and show what changes, until Ctrl-C')
    .action((word: string, name: string | undefined, options: GetOptions) => {
      const [noun = '', inside] = word.split('/');
      return SHOW[nounOf(noun, NOUNS)](world, name ?? inside, options);
    });
  examples(command, [
    'selvage get nodes -l site=a --state offline',
    'selvage get app web -o manifest > web.yaml',
    'selvage get apps --watch',
  ]);
};

/** `-o`, as every verb that lists has it. */
export function outputOption(): Option {
  return new Option('-o, --output <format>', 'how to show it').choices(FORMATS).default('table');
}

/** Shows objects of a noun, for verbs that are another way to say `get`. */
export function show(noun: NounName, world: World, given: { name?: string; options: GetOptions }): Promise<void> {
  return SHOW[noun](world, given.name, given.options);
}

function shower<T>(noun: Noun<T>): Show {
  return async (world, name, options) => {
    checkFilters(noun, options);
    const session = await openSession(world, options);
    const { signal } = world;
    const filter: Filter = {
      ...(options.selector !== undefined && { selector: options.selector }),
      ...(options.state !== undefined && { state: options.state }),
      ...(options.node !== undefined && { node: nameArgument(options.node) }),
      ...(options.limit !== undefined && { limit: options.limit }),
      ...(noun.noun === 'certificate' && name !== undefined && { of: name }),
      signal,
    };
    const one = noun.noun === 'certificate' || noun.noun === 'audit' ? undefined : name;
    const read = (): Promise<T[]> =>
      one === undefined ? noun.list(session, filter) : byName(noun, session, { name: one, signal });
    const items = await read();
    const where = noun.ofHub
      ? ''
      : noun.noun === 'certificate'
        ? ` of ${name ?? ''}`
        : ` in project "${session.project}"`;
    await print(world, { noun, items, options, isOne: one !== undefined, where });
    if (options.watch) await watch(world, { noun, session, items, read, format: options.output });
  };
}

function checkFilters<T>(noun: Noun<T>, options: GetOptions): void {
  for (const filter of ['selector', 'state', 'node'] as const)
    if (options[filter] !== undefined && !noun.filters.includes(filter))
      throw new UsageError(`${noun.plural} cannot be narrowed by --${filter}`);
  if (options.output === 'manifest' && noun.manifestOf === undefined)
    throw new UsageError(`${noun.plural} cannot be shown as manifests`);
  if (options.output === 'manifest' && options.watch) throw new UsageError('manifests cannot be watched');
  if (options.watch && noun.live === undefined) throw new UsageError(`${noun.plural} cannot be watched`);
}

interface Wanted {
  readonly name: string;
  readonly signal: AbortSignal;
}

async function byName<T>(noun: Noun<T>, session: Session, { name, signal }: Wanted): Promise<T[]> {
  if (noun.get) return [await noun.get(session, nameArgument(name), signal)];
  const all = await noun.list(session, { signal });
  const found = all.filter((item) => noun.nameOf(item) === name);
  if (found.length === 0) throw new UsageError(`there is no ${noun.noun} "${name}"`);
  return found;
}

interface Printed<T> {
  readonly noun: Noun<T>;
  readonly items: readonly T[];
  readonly options: GetOptions;
  readonly isOne: boolean;
  /** ` in project "shop"`, for a list that is empty. */
  readonly where: string;
}

async function print<T>(world: World, printed: Printed<T>): Promise<void> {
  const { noun, items, options, isOne, where } = printed;
  const value = isOne ? items[0] : items;
  const whole = structured(value, options.output);
  if (whole !== undefined) await world.out.write(whole);
  else if (options.output === 'manifest')
    await world.out.write(items.map((item) => yaml(noun.manifestOf?.(item))).join('---\n'));
  else if (options.output === 'name')
    await world.out.write(text(items.map((item) => `${noun.noun}/${noun.nameOf(item)}`)));
  else if (items.length === 0) await world.err.write(`There are no ${such(options)}${noun.plural}${where}.\n`);
  else await world.out.write(text(tableLines(columnsOf(noun.columns, options.output), items, world.now())));
}

/** Only who narrowed the list is told of such ones. */
function such({ selector, state, node }: GetOptions): string {
  return [selector, state, node].every((filter) => filter === undefined) ? '' : 'such ';
}
