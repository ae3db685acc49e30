import { type LiveMessage, liveMessage, routeLive, toEdgeError } from '@selvage/protocol';
import { linked } from '@selvage/reconcile';
import { type Command, Option } from 'commander';
import { nameOf } from '../arguments/index.js';
import { bytes, jsonLine, oneLine } from '../output/index.js';
import {
  examples,
  inProject,
  isOver,
  openSession,
  type ProjectOptions,
  type Session,
  Trouble,
  type World,
} from '../world/index.js';

const RETRY_MS = 2000;

interface Options extends ProjectOptions {
  readonly output: 'text' | 'json';
}

/** `selvage route watch`: what a route to the endpoint `live` carries, as it comes. */
export function routeWatch(group: Command, world: World): void {
  const command = group
    .command('watch')
    .description('show each message of a route to the endpoint "live" as it comes, until Ctrl-C')
    .argument('<name>', 'NAME or route/NAME')
    .addOption(new Option('-o, --output <format>', 'how to show it').choices(['text', 'json']).default('text'));
  inProject(command).action((given: string, options: Options) => run(world, nameOf([given], 'route'), options));
  examples(command, ['selvage route watch readings', 'selvage route watch readings -o json']);
}

async function run(world: World, name: string, { output, ...options }: Options): Promise<void> {
  const session = await openSession(world, options);
  const trouble = new Trouble(world);
  const { signal, end } = linked([world.signal, world.out.gone]);
  while (!isOver(signal)) {
    try {
      await follow(world, session, { name, output, signal, onOpen: () => void trouble.isOver() });
    } catch (thrown) {
      if (toEdgeError(thrown).code === 'call_cancelled') break;
      await trouble.begins(thrown);
    }
    await world.wait(RETRY_MS, signal);
  }
  end();
}

interface Feed {
  readonly name: string;
  readonly output: Options['output'];
  readonly signal: AbortSignal;
  readonly onOpen: () => void;
}

async function follow(world: World, { client, project }: Session, feed: Feed): Promise<void> {
  const { name, output, signal, onOpen } = feed;
  for await (const value of client.values(routeLive, { params: { project, name }, signal, onOpen })) {
    const { data: message } = liveMessage.safeParse(value);
    if (message === undefined) continue;
    if (output === 'text' && message.missed !== undefined)
      await world.err.write(`selvage: ${message.missed} messages came faster than they could be shown.\n`);
    await world.out.write(output === 'json' ? jsonLine(message) : `${messageLine(message)}\n`);
  }
}

/** `12:00:01.250 default/nodes/local/user/temperature 21.5` */
function messageLine({ at, topic, size, payload }: LiveMessage): string {
  const content = Buffer.from(payload, 'base64');
  const isCut = size > content.length;
  const shown = textOf(content, isCut);
  const rest = isCut ? ` … (${bytes(size)})` : '';
  return oneLine(`${at.slice(11, 23)} ${topic} ${shown === undefined ? `(${bytes(size)}, not text)` : shown + rest}`);
}

/** The bytes as UTF-8; undefined when they are none. */
function textOf(content: Uint8Array, isCut: boolean): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(content, { stream: isCut });
    return /[^\P{Cc}\n\r\t]/u.test(text) ? undefined : text;
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
