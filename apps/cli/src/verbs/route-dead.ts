import { endpoints, type RouteDeadLetter } from '@selvage/protocol';
import { type Command, Option } from 'commander';
import { count, nameOf } from '../arguments/index.js';
import { everything } from '../nouns/index.js';
import { age, bytes, type Column, columnsOf, type Format, structured, tableLines, text } from '../output/index.js';
import { confirm, examples, inProject, openSession, type ProjectOptions, type World } from '../world/index.js';

/** So many ids go into one request. */
const BATCH = 1000;

interface ListOptions extends ProjectOptions {
  readonly limit: number;
  readonly output: Format;
}
interface DiscardOptions extends ProjectOptions {
  readonly yes?: true;
}

const COLUMNS: readonly Column<RouteDeadLetter>[] = [
  { title: 'ID', of: ({ id }) => id },
  { title: 'AGE', of: ({ at }, now) => age(at, now) },
  { title: 'NODE', of: ({ node }) => node ?? '', sparse: true },
  { title: 'TOPIC', of: ({ topic }) => topic },
  { title: 'SIZE', of: ({ size }) => bytes(size) },
  { title: 'CODE', of: ({ code }) => code },
  { title: 'DETAIL', of: ({ detail }) => detail },
  { title: 'PAYLOAD', of: ({ payload }) => Buffer.from(payload, 'base64').toString('utf8'), wide: true },
];

/** `selvage route dead`, `replay` and `discard`: messages that a route gave up. */
export function deadLetters(group: Command, world: World): void {
  const dead = group
    .command('dead')
    .description('list the messages that a route gave up, the oldest first')
    .argument('<name>', 'NAME or route/NAME')
    .option('--limit <count>', 'at most this many', count, 100)
    .addOption(
      new Option('-o, --output <format>', 'how to show it').choices(['table', 'wide', 'json', 'yaml']).default('table'),
    );
  inProject(dead).action((given: string, options: ListOptions) => list(world, given, options));
  examples(dead, ['selvage route dead readings', 'selvage route dead readings -o wide']);

  const replay = group
    .command('replay')
    .description('send messages again that a route gave up')
    .argument('<name>', 'NAME or route/NAME')
    .argument('[ids...]', 'as "selvage route dead" lists them; all of the route without any');
  inProject(replay).action(async (given: string, ids: string[], options: ProjectOptions) => {
    const name = nameOf([given], 'route');
    const sent = await choose(world, { name, ids, verb: 'replay' }, options);
    await world.out.write(`route/${name}: ${messages(sent)} sent again\n`);
  });
  examples(replay, ['selvage route replay readings', 'selvage route replay readings 41 42']);

  const discard = group
    .command('discard')
    .description('throw away messages that a route gave up')
    .argument('<name>', 'NAME or route/NAME')
    .argument('[ids...]', 'as "selvage route dead" lists them; all of the route without any')
    .option('-y, --yes', 'do not ask');
  inProject(discard).action(async (given: string, ids: string[], options: DiscardOptions) => {
    const name = nameOf([given], 'route');
    const what = ids.length === 0 ? 'all messages' : messages(ids.length);
    const question = `Throw away ${what} that route/${name} gave up`;
    await confirm(world, { question, otherwise: 'nothing was thrown away', yes: options.yes });
    const gone = await choose(world, { name, ids, verb: 'discard' }, options);
    await world.out.write(`route/${name}: ${messages(gone)} thrown away\n`);
  });
  examples(discard, ['selvage route discard readings 41', 'selvage route discard readings --yes']);
}

async function list(world: World, given: string, { limit, output, ...options }: ListOptions): Promise<void> {
  const name = nameOf([given], 'route');
  const { client, project } = await openSession(world, options);
  const { signal } = world;
  const items = await everything(
    (query) => client.call(endpoints.routes.dead, { params: { project, name }, query, signal }),
    limit,
  );
  const whole = structured(items, output);
  if (whole !== undefined) await world.out.write(whole);
  else if (items.length === 0) await world.err.write(`route/${name} gave up no message.\n`);
  else await world.out.write(text(tableLines(columnsOf(COLUMNS, output), items, world.now())));
}

interface Choice {
  readonly name: string;
  readonly ids: readonly string[];
}

/** How many messages it were. */
async function choose(
  world: World,
  { name, ids, verb }: Choice & { readonly verb: 'replay' | 'discard' },
  options: ProjectOptions,
): Promise<number> {
  const { client, project } = await openSession(world, options);
  const call = async (body: { ids?: string[] }): Promise<number> => {
    const given = { params: { project, name }, body, signal: world.signal };
    return (await client.call(endpoints.routes[verb], given)).count;
  };
  if (ids.length === 0) return call({});
  let sum = 0;
  for (let from = 0; from < ids.length; from += BATCH) sum += await call({ ids: ids.slice(from, from + BATCH) });
  return sum;
}

function messages(count: number): string {
  return count === 1 ? '1 message' : `${count} messages`;
}
