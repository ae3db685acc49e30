import { type App, endpoints, toEdgeError } from '@selvage/protocol';
import { linked } from '@selvage/reconcile';
import { nameOf, seconds } from '../arguments/index.js';
import { indented, text } from '../output/index.js';
import {
  examples,
  inProject,
  openSession,
  type ProjectOptions,
  Refused,
  type Register,
  type Session,
  Trouble,
  whenPoked,
  type World,
} from '../world/index.js';
import { whyLines } from './why.js';

/** The longest time that a timer takes. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

interface Options extends ProjectOptions {
  readonly timeout: string;
  readonly failFast?: true;
}

/** `selvage rollout`: how far a change has come. */
export const rollout: Register = (parent, world) => {
  const group = parent.command('rollout').description('follow how a change reaches the nodes');
  const status = group
    .command('status')
    .description('wait until the newest revision runs on every node; fail and say why when it does not')
    .argument('<app...>', 'app/NAME')
    .option('--timeout <duration>', 'how long to wait', '5m')
    .option('--fail-fast', 'fail as soon as it failed on a node, though it is tried again there');
  inProject(status).action((given: string[], options: Options) => run(world, nameOf(given, 'app'), options));
  examples(status, [
    'selvage apply -f web.yaml && selvage rollout status app/web --timeout 2m',
    'selvage rollout status app/web --fail-fast',
  ]);
};

async function run(world: World, name: string, options: Options): Promise<void> {
  const timeoutMs = Math.min(seconds(options.timeout) * 1000, MAX_TIMEOUT_MS);
  const session = await openSession(world, options);
  const first = await read(world, session, name);
  const progress = new Progress(world, options.failFast === true ? hasFailed : isHopeless);
  if (await progress.isSettled(first)) return finish(world, first);
  const { signal, end } = linked([world.signal]);
  const trouble = new Trouble(world);
  let last = first;
  const look = async (): Promise<boolean> => {
    try {
      last = await read(world, session, name);
    } catch (thrown) {
      if (toEdgeError(thrown).code !== 'call_cancelled') await trouble.begins(thrown);
      return true;
    }
    await trouble.isOver();
    return !(await progress.isSettled(last));
  };
  const timer = setTimeout(end, timeoutMs);
  try {
    await whenPoked(world, session, { noun: 'app', signal, look });
  } finally {
    clearTimeout(timer);
    end();
  }
  await finish(world, last);
}

function read({ signal }: World, { client, project }: Session, name: string): Promise<App> {
  return client.call(endpoints.apps.get, { params: { project, name }, signal });
}

class Progress {
  #told = '';
  #reasons = '';

  constructor(
    private readonly world: World,
    private readonly isLost: (app: App) => boolean,
  ) {}

  /** Tells how far it is and what is in the way, when that changed; true when there is nothing to wait for any more. */
  async isSettled(app: App): Promise<boolean> {
    const line = `app/${app.name}: ${app.status.running} of ${app.status.wanted} nodes run revision ${app.revision}`;
    if (line !== this.#told) await this.world.err.write(`${line}\n`);
    this.#told = line;
    if (isDone(app) || this.isLost(app)) return true;
    const reasons = reasonsOf(app);
    if (reasons !== this.#reasons && reasons !== '')
      await this.world.err.write(text(indented(whyLines(app, this.world.now()).slice(1))));
    this.#reasons = reasons;
    return false;
  }
}

/** What is in the way on each node, without what changes with the time; empty when nothing is. */
function reasonsOf({ status }: App): string {
  const lines = status.instances.flatMap(({ node, nodeState, containers }) => [
    ...(nodeState === 'ready' ? [] : [`${node} ${nodeState}`]),
    ...containers.flatMap(({ name, reason, message }) =>
      reason === undefined ? [] : [`${node} ${name} ${reason} ${message ?? ''}`],
    ),
  ]);
  return lines.join('\n');
}

/** @throws Refused, after it has said why, when the app does not run everywhere. */
async function finish(world: World, app: App): Promise<void> {
  if (isDone(app)) {
    await world.out.write(`app/${app.name} is rolled out\n`);
    return;
  }
  await world.err.write(text(indented(whyLines(app, world.now()))));
  throw new Refused(`app/${app.name} is not rolled out`);
}

/** Runs everywhere, or has done its work everywhere. */
function isDone({ revision, status: { wanted, running, instances } }: App): boolean {
  if (wanted > 0 && running >= wanted) return true;
  const finished = instances.filter((one) => one.revision === revision && one.state === 'completed').length;
  return wanted > 0 && running + finished >= wanted;
}

/** Some node said that it failed since the app was changed. */
function hasFailed(app: App): boolean {
  const isNews = ({ revision, reportedAt }: App['status']['instances'][number]): boolean =>
    revision === app.revision || (reportedAt !== undefined && Date.parse(reportedAt) > Date.parse(app.updatedAt));
  return app.status.instances.some((one) => one.state === 'failed' && isNews(one));
}

/** Some container failed and nothing more will be tried with this revision. */
function isHopeless({ revision, status: { instances } }: App): boolean {
  const current = instances.filter((instance) => instance.revision === revision);
  return current.some(({ containers }) =>
    containers.some(
      ({ state, reason, retryAt }) => state === 'failed' && reason === 'container_exited' && retryAt === undefined,
    ),
  );
}
