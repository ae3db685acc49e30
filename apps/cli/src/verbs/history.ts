import { endpoints, type HistoryItem, twinSide, type TwinSide } from '@selvage/protocol';
import { Option } from 'commander';
import { count, nameOf, seconds } from '../arguments/index.js';
import { everything } from '../nouns/index.js';
import { type Column, type Format, structured, tableLines, text } from '../output/index.js';
import {
  examples,
  inProject,
  openSession,
  type ProjectOptions,
  type Register,
  UsageError,
  type World,
} from '../world/index.js';
import { twinLines } from './twin-lines.js';

interface Options extends ProjectOptions {
  readonly key?: string;
  readonly side?: TwinSide;
  readonly since?: string;
  readonly until?: string;
  readonly at?: string;
  readonly limit: number;
  readonly output: Format;
}

const columns: readonly Column<HistoryItem>[] = [
  { title: 'AT', of: ({ at }) => at.replace('T', ' ') },
  { title: 'KEY', of: ({ key }) => key },
  { title: 'SIDE', of: ({ side }) => side },
  { title: 'VALUE', of: ({ value }) => value ?? '(deleted)' },
  { title: 'VERSION', of: ({ version }) => `cloud ${version.cloud}, edge ${version.edge}` },
  { title: 'BY', of: ({ by }) => by },
];

/** `selvage history`: what changed in the twin of a device. */
export const history: Register = (parent, world) => {
  const command = parent
    .command('history')
    .description('show what changed in the twin of a device, newest first')
    .argument('<device...>', 'device/NAME')
    .option('--key <key>', 'only this key')
    .addOption(new Option('--side <side>', 'only this side').choices(twinSide.options))
    .option('--since <moment>', 'from then on: 2h, or 2026-11-24T14:03:00Z')
    .option('--until <moment>', 'until then')
    .addOption(
      new Option('--at <moment>', 'the whole twin as it was then, in place of changes').conflicts([
        ...['key', 'side', 'since', 'until'],
      ]),
    )
    .option('--limit <count>', 'at most this many', count, 100)
    .addOption(
      new Option('-o, --output <format>', 'how to show it').choices(['table', 'json', 'yaml']).default('table'),
    );
  inProject(command).action((given: string[], options: Options) => {
    const name = nameOf(given, 'device');
    return options.at === undefined ? run(world, name, options) : twinAt(world, name, { ...options, at: options.at });
  });
  examples(command, [
    'selvage history device/lamp-1 --since 2h',
    'selvage history device/lamp-1 --key level --side actual',
    'selvage history device/lamp-1 --at 2026-11-24T14:03:00Z',
  ]);
};

async function run(world: World, name: string, options: Options): Promise<void> {
  const { key, side, since, until, limit, output } = options;
  const query = {
    ...(key !== undefined && { key }),
    ...(side !== undefined && { side }),
    ...(since !== undefined && { since: momentOf(since, world.now()) }),
    ...(until !== undefined && { until: momentOf(until, world.now()) }),
  };
  const { client, project } = await openSession(world, options);
  const { signal } = world;
  const items = await everything(
    (page) =>
      client.call(endpoints.devices.history, { params: { project, name }, query: { ...query, ...page }, signal }),
    limit,
  );
  const whole = structured(items, output);
  if (whole !== undefined) await world.out.write(whole);
  else if (items.length === 0) await world.err.write(`Nothing of the kind is known of device/${name}.\n`);
  else await world.out.write(text(tableLines(columns, items, world.now())));
}

/** What was: both sides of each key as they stood at a moment. */
async function twinAt(world: World, name: string, options: Options & { readonly at: string }): Promise<void> {
  const query = { at: momentOf(options.at, world.now()) };
  const { client, project } = await openSession(world, options);
  const view = await client.call(endpoints.devices.twin, { params: { project, name }, query, signal: world.signal });
  const whole = structured(view, options.output);
  if (whole !== undefined) await world.out.write(whole);
  else if (Object.keys(view.twin).length === 0) await world.err.write(`device/${name} has no values.\n`);
  else await world.out.write(text(twinLines(view.twin, world.now())));
}

/** A moment as it is written, or a time ago. @throws UsageError. */
function momentOf(given: string, now: number): string {
  if (/^\d+[smhdw]/.test(given)) return new Date(now - seconds(given) * 1000).toISOString();
  const at = Date.parse(given);
  if (Number.isNaN(at)) throw new UsageError(`"${given}" is no moment: write 2h, or 2026-11-24T14:03:00Z`);
  return new Date(at).toISOString();
}
