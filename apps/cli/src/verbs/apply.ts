import {
  type App,
  type Client,
  type Device,
  type DeviceModel,
  endpoints,
  type MessageEndpoint,
  type Node,
  type Route,
  type Secret,
  toEdgeError,
} from '@selvage/protocol';
import { readManifests, spelledName, type Target } from '../manifests/index.js';
import { diff, diffText } from '../output/index.js';
import {
  collect,
  errorText,
  examples,
  inProject,
  isPassing,
  openSession,
  Refused,
  type ProjectOptions,
  type Register,
  type Session,
  UsageError,
  type World,
} from '../world/index.js';

import { specLines } from './spec-lines.js';

interface Options extends ProjectOptions {
  readonly file?: readonly string[];
  readonly dryRun?: true;
}

type Existing = App | Client | Device | DeviceModel | MessageEndpoint | Node | Route | Secret;
type Outcome = 'created' | 'changed' | 'unchanged';

/** `selvage apply`: makes the hub hold what manifests say. Nothing is sent when any document of any file is bad. */
export const apply: Register = (parent, world) => {
  const command = parent
    .command('apply')
    .description('create and change what manifests (YAML or JSON) describe')
    .option('-f, --file <path>', 'file, folder, or - for standard input; may be repeated', collect)
    .option('--dry-run', 'show what would change, and change nothing');
  inProject(command).action((options: Options) => run(world, options));
  examples(command, [
    'selvage apply -f app.yaml',
    'selvage apply -f manifests/ --dry-run',
    'cat app.yaml | selvage apply -f -',
  ]);
};

async function run(world: World, options: Options): Promise<void> {
  const files = options.file ?? [];
  if (files.length === 0) throw new UsageError('say what to apply: selvage apply -f FILE');
  const session = await openSession(world, options);
  const targets = await readManifests(world, { files, project: session.project });
  const created = new Set<string>();
  const act = options.dryRun
    ? (target: Target) => preview(world, session, { target, created })
    : (target: Target) => send(world, session, target);
  let refused = 0;
  for (const target of targets) {
    try {
      await act(target);
    } catch (thrown) {
      const error = toEdgeError(thrown);
      if (isPassing(error) || error.code === 'call_cancelled' || error.code === 'unauthenticated') throw error;
      refused += 1;
      await world.err.write(errorText(`${spelledName(target)}: ${error.sentence}`, error.detail));
    }
  }
  if (refused > 0) throw new Refused(`${refused} of ${targets.length} were refused`);
}

async function send(world: World, session: Session, target: Target): Promise<void> {
  const before = await existing(world, session, target);
  const outcome = isSame(before, target) ? 'unchanged' : outcomeOf(before, await put(world, session, target));
  await world.out.write(`${spelledName(target)} ${outcome}\n`);
}

interface Preview {
  readonly target: Target;
  /** What would have been created before it: the hub does not have it yet. */
  readonly created: Set<string>;
}

async function preview(world: World, session: Session, { target, created }: Preview): Promise<void> {
  const before = await existing(world, session, target);
  const lines = diff(before ? specLines(before) : [], specLines(target));
  const outcome = before === undefined ? 'created' : lines.length === 0 ? 'unchanged' : 'changed';
  if (outcome === 'created') created.add(keyOf(target, spelledName(target)));
  await world.out.write(`${spelledName(target)} ${previewed(target, outcome)}\n`);
  for (const { text, color } of diffText(lines)) await world.out.write(`  ${text}\n`, color);
  const asked = target.kind === 'App' ? withoutCreated(target, created) : undefined;
  if (asked) await session.client.call(endpoints.apps.check, request(world, asked));
}

function previewed(target: Target, outcome: Outcome): string {
  if (target.kind !== 'Secret' || outcome === 'created')
    return outcome === 'unchanged' ? outcome : `would be ${outcome}`;
  const hidden = target.spec.type === 'data' ? 'its values' : 'its password';
  return `would be ${outcome === 'changed' ? outcome : 'written again'} (${hidden} cannot be compared)`;
}

type AppTarget = Target & { readonly kind: 'App' };

/** An app as the hub can check it now: without secret and nodes that it will only know then. Undefined when no node is left. */
function withoutCreated(target: AppTarget, created: ReadonlySet<string>): AppTarget | undefined {
  const { placement, imagePullSecret, ...rest } = target.spec;
  const nodes = placement.nodes.filter((name) => !created.has(keyOf(target, `node/${name}`)));
  if (nodes.length === 0 && (placement.selector ?? '') === '') return undefined;
  const isKnown = imagePullSecret !== undefined && !created.has(keyOf(target, `secret/${imagePullSecret}`));
  const secret = isKnown ? { imagePullSecret } : {};
  return { ...target, spec: { ...rest, ...secret, placement: { ...placement, nodes } } };
}

function keyOf({ project }: Target, spelled: string): string {
  return `${project} ${spelled}`;
}

const READ = {
  App: endpoints.apps.get,
  Client: endpoints.clients.get,
  Device: endpoints.devices.get,
  DeviceModel: endpoints.deviceModels.get,
  Endpoint: endpoints.endpoints.get,
  Node: endpoints.nodes.get,
  Route: endpoints.routes.get,
  Secret: endpoints.secrets.get,
};

async function existing({ signal }: World, { client }: Session, target: Target): Promise<Existing | undefined> {
  const { project, name } = target;
  try {
    return await client.call(READ[target.kind], { params: { project, name }, signal });
  } catch (thrown) {
    if (toEdgeError(thrown).code === 'not_found') return undefined;
    throw thrown;
  }
}

function put(world: World, { client }: Session, target: Target): Promise<Existing> {
  switch (target.kind) {
    case 'App':
      return client.call(endpoints.apps.put, request(world, target));
    case 'Client':
      return client.call(endpoints.clients.put, request(world, target));
    case 'Device':
      return client.call(endpoints.devices.put, request(world, target));
    case 'DeviceModel':
      return client.call(endpoints.deviceModels.put, request(world, target));
    case 'Endpoint':
      return client.call(endpoints.endpoints.put, request(world, target));
    case 'Node':
      return client.call(endpoints.nodes.put, request(world, target));
    case 'Route':
      return client.call(endpoints.routes.put, request(world, target));
    case 'Secret':
      return client.call(endpoints.secrets.put, request(world, target));
  }
}

function request<T extends Target>({ signal }: World, { project, name, labels, spec }: T) {
  return { params: { project, name }, body: { labels, spec: spec as T['spec'] }, signal };
}

/** Whether a `PUT` would change nothing. Of a secret that cannot be known here. */
function isSame(before: Existing | undefined, target: Target): boolean {
  if (before === undefined || target.kind === 'Secret') return false;
  return specLines(before).join('\n') === specLines(target).join('\n');
}

function outcomeOf(before: Existing | undefined, after: Existing): Outcome {
  if (before === undefined) return 'created';
  return before.revision === after.revision ? 'unchanged' : 'changed';
}
