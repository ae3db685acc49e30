import { type App, type ContainerStatus, endpoints } from '@selvage/protocol';
import { nameOf } from '../arguments/index.js';
import { ago, indented, oneLine, text, times, until } from '../output/index.js';
import { examples, inProject, openSession, type ProjectOptions, type Register, type World } from '../world/index.js';

/** `selvage why`: in plain words why an app does not run everywhere, and what is tried next. */
export const why: Register = (parent, world) => {
  const command = parent
    .command('why')
    .description('say why an app does not run and what is tried next')
    .argument('<app...>', 'app/NAME');
  inProject(command).action((given: string[], options: ProjectOptions) => run(world, nameOf(given, 'app'), options));
  examples(command, ['selvage why app/web']);
};

async function run(world: World, name: string, options: ProjectOptions): Promise<void> {
  const { client, project } = await openSession(world, options);
  const app = await client.call(endpoints.apps.get, { params: { project, name }, signal: world.signal });
  await world.out.write(text(whyLines(app, world.now())));
}

/** A sentence for each instance and each container that does not run as wanted. */
export function whyLines(app: App, now: number): string[] {
  const { instances, wanted, running } = app.status;
  if (wanted === 0) return [`${app.name} is wanted on no node: no node has the name or the labels of its placement.`];
  const lines = instances.flatMap((instance) => whyInstance(app, instance, now));
  const missing = wanted - instances.length;
  if (missing > 0) lines.push(`Nodes that have not said anything about it yet: ${missing}.`);
  return [
    lines.length === 0 ? allWell(app) : `${app.name} runs on ${running} of ${nodes(wanted)}${andDone(app)}.`,
    ...lines,
  ];
}

function allWell(app: App): string {
  const { wanted } = app.status;
  const done = doneOn(app);
  const where = wanted === 1 ? 'its node' : `all ${wanted} nodes`;
  if (done >= wanted) return `${app.name} is done on ${where}.`;
  return `${app.name} runs on ${done === 0 ? where : `${wanted - done} of ${nodes(wanted)}${andDone(app)}`}.`;
}

/** On how many nodes the newest revision has ended well, not to be started again. */
function doneOn({ revision, status }: App): number {
  return status.instances.filter((one) => one.state === 'completed' && one.revision === revision).length;
}

function andDone(app: App): string {
  const done = doneOn(app);
  return done === 0 ? '' : ` and is done on ${done}`;
}

function nodes(count: number): string {
  return count === 1 ? '1 node' : `${count} nodes`;
}

type Instance = App['status']['instances'][number];

function whyInstance(app: App, instance: Instance, now: number): string[] {
  const { node, nodeState, reportedAt, state, revision, containers } = instance;
  const lines: string[] = [];
  if (nodeState !== 'ready') lines.push(`The node is ${nodeState.replace('_', ' ')}; ${lastKnown(reportedAt, now)}`);
  if (state !== 'unknown' && revision !== app.revision)
    lines.push(`It still has revision ${revision}; revision ${app.revision} is wanted.`);
  if (state === 'unknown' && nodeState === 'ready') lines.push(unknownNow(instance));
  lines.push(...containers.flatMap((container) => whyContainer(container, now)));
  return lines.length === 0 ? [] : [`On ${node}:`, ...indented(lines)];
}

function unknownNow({ reportedAt, containers }: Instance): string {
  const isSilent = reportedAt === undefined || containers.length === 0;
  return isSilent ? 'The node has not said anything about it yet.' : 'The node does not know its state now.';
}

function lastKnown(reportedAt: string | undefined, now: number): string {
  if (reportedAt === undefined) return 'it has never reported about this app. It will start the app when it connects.';
  return `what follows is from ${ago(reportedAt, now)}. It goes on by itself meanwhile.`;
}

const DOING: Readonly<Record<ContainerStatus['state'], string>> = {
  waiting: 'waits for its turn',
  pulling: 'is getting its image',
  starting: 'is being started',
  running: 'runs',
  stopping: 'is being stopped',
  backing_off: 'waits before it is started again',
  exited: 'is done',
  failed: 'does not run',
};

function whyContainer(container: ContainerStatus, now: number): string[] {
  const { name, state, reason, message, restarts } = container;
  const isFine = reason === undefined && (state === 'running' || state === 'exited');
  if (isFine) return [];
  const cause = reason === undefined ? '' : `: ${reason}${message === undefined ? '' : `. ${sentence(message)}`}`;
  const often = restarts > 0 ? ` It was restarted ${times(restarts)}.` : '';
  return [`Container ${name} ${DOING[state]}${cause}${often}${next(container, now)}`];
}

/** What another program said, with an end: some of them leave the full stop out. */
function sentence(message: string): string {
  const text = oneLine(message);
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}

function next({ state, retryAt, reason }: ContainerStatus, now: number): string {
  if (retryAt !== undefined)
    return Date.parse(retryAt) > now
      ? ` The next try is in ${until(retryAt, now)}, at ${retryAt.slice(11, 19)}Z.`
      : ' The next try is due now.';
  if (state === 'failed' && reason === 'container_exited')
    return ' It is not started again: its restart policy says so.';
  return '';
}
