import { endpoints, toEdgeError } from '@selvage/protocol';
import { linked } from '@selvage/reconcile';
import { InvalidArgumentError } from 'commander';
import { containerOf, nameArgument, seconds } from '../arguments/index.js';
import { oneLine } from '../output/index.js';
import {
  examples,
  inProject,
  isPassing,
  openSession,
  type ProjectOptions,
  type Register,
  type Session,
  UsageError,
  type World,
} from '../world/index.js';

interface Options extends ProjectOptions {
  readonly follow?: true;
  readonly node?: string;
  readonly tail?: number;
  readonly since?: string;
  readonly timestamps?: true;
}

const FIRST_RETRY_MS = 1000;
const MAX_RETRY_MS = 30_000;
/** A connection that lasted this long was a good one: the next one is tried quickly again. */
const GOOD_MS = 60_000;

/** `selvage logs`: the log of a container, and with `-f` what it says from now on. */
export const logs: Register = (parent, world) => {
  const command = parent
    .command('logs')
    .description('show the log of a container')
    .argument('<app>', 'app/NAME or app/NAME/CONTAINER')
    .option('-f, --follow', 'go on with what it says from now on, until Ctrl-C')
    .option('--node <name>', 'on which node; may be left out when the app is on one node only')
    .option('--tail <lines>', 'this many of the last lines (1000)', lines)
    .option('--since <duration>', 'only what is not older: 10m, 1h30m')
    .option('--timestamps', 'each line with its moment');
  inProject(command).action((app: string, options: Options) => run(world, app, options));
  examples(command, ['selvage logs app/web', 'selvage logs -f app/web/proxy --node edge-1 --since 10m']);
};

async function run(world: World, given: string, options: Options): Promise<void> {
  const { app, container } = containerOf(given);
  const sinceSeconds = options.since === undefined ? undefined : seconds(options.since);
  const session = await openSession(world, options);
  const node = options.node === undefined ? await onlyNode(world, session, app) : nameArgument(options.node);
  const first = {
    ...(options.tail !== undefined && { tail: options.tail }),
    ...(sinceSeconds !== undefined && { sinceSeconds }),
  };
  const query = {
    node,
    ...(container !== undefined && { container }),
    follow: String(options.follow ?? false),
    timestamps: String(options.timestamps ?? false),
  };
  // Nobody reads on (`| head`), or the user has had enough: both end it.
  const { signal, end } = linked([world.signal, world.out.gone]);
  const stream = new LogStream(world, session, { app, query, signal });
  try {
    await (options.follow ? stream.follow(first) : stream.copy(first));
  } catch (thrown) {
    if (toEdgeError(thrown).code !== 'call_cancelled') throw thrown;
  } finally {
    end();
  }
}

interface Wanted {
  readonly signal: AbortSignal;
  readonly app: string;
  readonly query: {
    readonly node: string;
    readonly container?: string;
    readonly follow: string;
    readonly timestamps: string;
  };
}
interface Part {
  readonly tail?: number;
  readonly sinceSeconds?: number;
}

class LogStream {
  #lastAt: number;
  #delayMs = FIRST_RETRY_MS;
  #wasOpen = false;

  constructor(
    private readonly world: World,
    private readonly session: Session,
    private readonly wanted: Wanted,
  ) {
    this.#lastAt = world.now();
  }

  private get signal(): AbortSignal {
    return this.wanted.signal;
  }

  /** Copies the log to standard output until it ends. */
  async copy(part: Part): Promise<void> {
    const { client, project } = this.session;
    const { app, query } = this.wanted;
    const onOpen = (): void => {
      this.#wasOpen = true;
    };
    const input = { params: { project, name: app }, query: { ...query, ...part }, signal: this.signal, onOpen };
    await this.world.out.copy(this.#timed(client.stream(endpoints.apps.logs, input)));
  }

  async *#timed(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const piece of pieces) {
      this.#lastAt = this.world.now();
      yield piece;
    }
  }

  /** The same, connecting again when the connection breaks, until the log ends or the user ends it. */
  async follow(first: Part): Promise<void> {
    for (let part = first; ; part = this.#rest()) {
      const openedAt = this.world.now();
      try {
        await this.copy(part);
        return;
      } catch (thrown) {
        if (!this.#wasOpen || !isWorthRetrying(thrown)) throw thrown;
        if (this.world.now() - openedAt > GOOD_MS) this.#delayMs = FIRST_RETRY_MS;
        await this.#pause(toEdgeError(thrown).message);
      }
    }
  }

  async #pause(why: string): Promise<void> {
    await this.world.err.write(`selvage: ${oneLine(why)} Connecting again in ${Math.round(this.#delayMs / 1000)} s.\n`);
    await this.world.wait(this.#delayMs, this.signal);
    this.#delayMs = Math.min(this.#delayMs * 2, MAX_RETRY_MS);
  }

  /** What was said since the last piece came; lines of that very second may come twice. */
  #rest(): Part {
    return { tail: MAX_TAIL, sinceSeconds: Math.ceil((this.world.now() - this.#lastAt) / 1000) };
  }
}

const MAX_TAIL = 100_000;

/** Before the log was ever open, a node that is offline is an answer; after that it is an interruption like any other. */
function isWorthRetrying(thrown: unknown): boolean {
  const { code } = toEdgeError(thrown);
  return isPassing(thrown) || code === 'node_offline' || code === 'docker_unavailable' || code === 'deadline_exceeded';
}

async function onlyNode({ signal }: World, { client, project }: Session, name: string): Promise<string> {
  const { status } = await client.call(endpoints.apps.get, { params: { project, name }, signal });
  const nodes = status.instances.map(({ node }) => node);
  const [only, ...others] = nodes;
  if (only !== undefined && others.length === 0) return only;
  if (only === undefined) throw new UsageError(`${name} is on no node yet; "selvage why app/${name}" says more`);
  throw new UsageError(`${name} is on several nodes: say which with --node: ${nodes.join(', ')}`);
}

function lines(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > MAX_TAIL)
    throw new InvalidArgumentError(`Give a whole number from 0 to ${MAX_TAIL}.`);
  return value;
}
