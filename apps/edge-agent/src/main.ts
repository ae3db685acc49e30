import { parseArgs, type ParseArgsConfig } from 'node:util';
import { toEdgeError, VERSION } from '@selvage/protocol';
import { dataFolder } from './config.js';
import { doctor } from './doctor.js';
import { exitCodeOf } from './exit-codes.js';
import { joinHub } from './join-hub.js';
import { askAgent } from './local-api/index.js';
import { run } from './run.js';
import { isRefused, statusText } from './status-text.js';

const USAGE = 2;
const DATA = '  --data DIR     data folder (default: $SELVAGE_DATA or /var/lib/selvage)\n';
const HELP = '  --help         this text\n';

type Values = Readonly<Record<string, string | boolean | undefined>>;

interface Command {
  readonly help: string;
  readonly options: NonNullable<ParseArgsConfig['options']>;
  /** Gives the exit code. */
  readonly run: (values: Values, folder: string) => Promise<number>;
}

const commands: Readonly<Record<string, Command>> = {
  join: {
    help: `selvage-agent join --hub URL --token TOKEN [--node NAME] [--force]\n\nMakes this machine a node of a hub.\n\n  --hub URL      address of the hub, https://host:port\n  --token TOKEN  join token, made at the hub for one node\n  --node NAME    name of the node, if it is to be checked against the token\n  --force        give up what this machine was before\n`,
    options: {
      hub: { type: 'string' },
      token: { type: 'string' },
      node: { type: 'string' },
      force: { type: 'boolean', default: false },
    },
    run: async ({ hub, token, node, force, data }, folder) => {
      if (typeof hub !== 'string' || typeof token !== 'string') return misused('join needs --hub and --token', 'join');
      const named = typeof node === 'string' ? { node } : {};
      const identity = force === true ? 'replace' : 'keep';
      const given = typeof data === 'string' ? { data } : {};
      say(`${await joinHub(folder, { hub, token, identity, ...named, ...given })}\n`);
      return 0;
    },
  },
  run: {
    help: 'selvage-agent run\n\nRuns the agent until it is stopped. Containers go on without it.\n\n',
    options: {},
    run: (_values, folder) => run(folder),
  },
  status: {
    help: 'selvage-agent status [--json]\n\nSays how the running agent is; exit code 1 when the hub refuses this node.\n\n  --json         as JSON\n',
    options: { json: { type: 'boolean', default: false } },
    run: async ({ json }, folder) => {
      const status = await askAgent(folder);
      say(json === true ? `${JSON.stringify(status, null, 2)}\n` : statusText(status));
      return isRefused(status) ? 1 : 0;
    },
  },
  doctor: {
    help: 'selvage-agent doctor\n\nLooks at all that the agent needs and says what is wrong.\n\n',
    options: {},
    run: async (_values, folder) => {
      const { lines, well } = await doctor(folder, Date.now());
      say(`${lines.join('\n')}\n`);
      return well ? 0 : 1;
    },
  },
  version: {
    help: 'selvage-agent version\n\nPrints the version.\n\n',
    options: {},
    run: () => {
      say(`selvage-agent ${VERSION} (Node ${process.version})\n`);
      return Promise.resolve(0);
    },
  },
};

const OVERVIEW = `selvage-agent COMMAND [--data DIR]\n\nCommands: ${Object.keys(commands).join(', ')}. Each has --help.\n`;

async function main(args: readonly string[]): Promise<number> {
  const [name = '', ...rest] = args;
  if (name === '--help' || name === 'help') return told(OVERVIEW);
  if (name === '--version') return main(['version']);
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) return misused(name === '' ? 'name a command' : `there is no command "${name}"`);
  const parsed = parse(command, rest);
  if (typeof parsed === 'string') return misused(parsed, name);
  if (parsed.help === true) return told(`${command.help}${DATA}${HELP}`);
  const given = parsed.data;
  return command.run(parsed, dataFolder(typeof given === 'string' ? given : undefined));
}

/** The options, or what is wrong with them. */
function parse({ options }: Command, args: string[]): Values | string {
  const everywhere = { data: { type: 'string' }, help: { type: 'boolean', short: 'h', default: false } } as const;
  try {
    const { values } = parseArgs({ args, options: { ...options, ...everywhere }, strict: true });
    return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Array.isArray(value) ? '' : value]));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function misused(problem: string, command?: string): number {
  const hint = command === undefined ? OVERVIEW : `See: selvage-agent ${command} --help\n`;
  process.stderr.write(`selvage-agent: ${problem}\n${hint}`);
  return USAGE;
}

function told(text: string): number {
  say(text);
  return 0;
}

function say(text: string): void {
  process.stdout.write(text);
}

async function guarded(args: readonly string[]): Promise<number> {
  try {
    return await main(args);
  } catch (thrown) {
    const error = toEdgeError(thrown);
    const stack = error.code === 'internal' && error.cause instanceof Error ? `${error.cause.stack ?? ''}\n` : '';
    process.stderr.write(`selvage-agent: ${error.message}\n${stack}`);
    return exitCodeOf(error);
  }
}

// Ends at once: what is still open by now, a connection to an engine that hangs for instance, is of no use.
process.exit(await guarded(process.argv.slice(2)));
