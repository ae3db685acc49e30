import { type BrokerClient, type BrokerShown, endpoints } from '@selvage/protocol';
import { Option, type Command } from 'commander';
import { nameArgument } from '../arguments/index.js';
import { bytes, type Column, factLines, type Format, section, structured, tableLines, text } from '../output/index.js';
import { examples, inProject, openSession, type ProjectOptions, type World } from '../world/index.js';

interface Options extends ProjectOptions {
  readonly output: Format;
}

const LISTENERS: readonly Column<BrokerShown['listeners'][number]>[] = [
  { title: 'LISTENER', of: ({ kind }) => kind },
  { title: 'ADDRESS', of: ({ host, port }) => `${host}:${port}` },
  { title: 'STATE', of: ({ listening }) => (listening ? 'listens' : 'closed') },
  { title: 'REASON', of: ({ problem }) => problem ?? '', sparse: true },
];
const CLIENTS: readonly Column<BrokerClient>[] = [
  { title: 'CLIENT', of: ({ id }) => id },
  { title: 'LISTENER', of: ({ listener }) => listener },
  { title: 'SESSION', of: ({ clean }) => (clean ? '' : 'kept'), sparse: true },
  { title: 'UNREAD', of: ({ unreadBytes }) => (unreadBytes === 0 ? '' : bytes(unreadBytes)), sparse: true },
  { title: 'SUBSCRIPTIONS', of: ({ subscriptions }) => subscriptions.join(' ') },
];

/** `selvage node broker`: who is connected to the broker of a node, and what it counted. */
export function nodeBroker(group: Command, world: World): void {
  const command = group
    .command('broker')
    .description("show the listeners, clients, subscriptions and rates of a node's MQTT broker")
    .argument('<name>')
    .addOption(
      new Option('-o, --output <format>', 'how to show it').choices(['table', 'json', 'yaml']).default('table'),
    );
  inProject(command).action((name: string, options: Options) => run(world, name, options));
  examples(command, ['selvage node broker edge-1', 'selvage node broker edge-1 -o json']);
}

async function run(world: World, given: string, options: Options): Promise<void> {
  const { client, project } = await openSession(world, options);
  const params = { project, name: nameArgument(given) };
  const shown = await client.call(endpoints.nodes.broker, { params, signal: world.signal });
  await world.out.write(structured(shown, options.output) ?? text(brokerLines(shown, world.now())));
}

function brokerLines({ listeners, clients, clientCount, counters, ...rest }: BrokerShown, now: number): string[] {
  const { sessions, retained, rates } = rest;
  const unlisted = clientCount - clients.length;
  return [
    ...tableLines(LISTENERS, listeners, now),
    ...section(`Clients (${clientCount})`, [
      ...(clients.length === 0 ? [] : tableLines(CLIENTS, clients, now)),
      ...(unlisted > 0 ? [`… and ${unlisted} more`] : []),
    ]),
    ...section(
      'Keeps',
      factLines([
        ['sessions', `${sessions.count}, ${sessions.subscriptions} subscriptions`],
        ['waiting', `${sessions.messages} messages, ${bytes(sessions.bytes)}`],
        ['retained', `${retained.count} messages, ${bytes(retained.bytes)}`],
      ]),
    ),
    ...section(
      'Messages a second',
      factLines([
        ['received', rate(rates.received)],
        ['sent', rate(rates.sent)],
      ]),
    ),
    ...section('Since the agent started', factLines(counted(counters))),
  ];
}

/** A few a minute are not none. */
function rate(perSecond: number): string {
  return perSecond < 10 ? String(Number(perSecond.toFixed(1))) : String(Math.round(perSecond));
}

/** What happened at all, in words with blanks. */
function counted(counters: BrokerShown['counters']): [string, string][] {
  return Object.entries(counters).flatMap(([name, count]) =>
    count === 0 ? [] : [[name.replaceAll('_', ' '), String(count)]],
  );
}
