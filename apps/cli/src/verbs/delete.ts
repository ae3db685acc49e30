import { type App, endpoints, toEdgeError } from '@selvage/protocol';
import { Option } from 'commander';
import { type Reference, referenceOf } from '../arguments/index.js';
import { NOUN_OF, readManifests } from '../manifests/index.js';
import {
  collect,
  confirm,
  examples,
  inProject,
  openSession,
  type ProjectOptions,
  type Register,
  type Session,
  UsageError,
  type World,
} from '../world/index.js';

interface Options extends ProjectOptions {
  readonly file?: readonly string[];
  readonly volumes: 'keep' | 'remove';
  readonly yes?: true;
}

const NOUNS = ['app', 'secret', 'node', 'device', 'device-model', 'client', 'endpoint', 'route'] as const;
type Doomed = Reference<(typeof NOUNS)[number]> & { readonly project: string };

/** `selvage delete`: deletes objects by name, or those that manifests name. */
export const remove: Register = (parent, world) => {
  const command = parent
    .command('delete')
    .description('delete apps, secrets, nodes, devices, device models, clients, endpoints and routes')
    .argument(
      '[object...]',
      'app/NAME, secret/NAME, node/NAME, device/NAME, device-model/NAME, client/NAME, endpoint/NAME or route/NAME',
    )
    .option('-f, --file <path>', 'delete what these manifests describe; may be repeated', collect)
    .addOption(
      new Option('--volumes <what>', "what becomes of an app's volumes").choices(['keep', 'remove']).default('keep'),
    )
    .option('-y, --yes', 'do not ask');
  inProject(command).action((given: string[], options: Options) => run(world, given, options));
  examples(command, [
    'selvage delete app/web',
    'selvage delete app/web --volumes remove --yes',
    'selvage delete -f manifests/ --yes',
  ]);
};

async function run(world: World, given: readonly string[], options: Options): Promise<void> {
  const session = await openSession(world, options);
  const { project } = session;
  const named = references(given).map((reference) => ({ ...reference, project }));
  const files = options.file ?? [];
  const described = files.length === 0 ? [] : await readManifests(world, { files, project });
  const listed: Doomed[] = described
    .map(({ kind, name, project }) => ({ noun: NOUN_OF[kind], name, project }))
    .reverse();
  if (named.length + listed.length === 0) throw new UsageError('say what to delete: selvage delete app/NAME');
  const question = questionOf([...named, ...listed], options.volumes);
  await confirm(world, { question, otherwise: 'nothing was deleted', yes: options.yes });
  for (const doomed of named) await removeOne({ world, session, options }, doomed);
  for (const doomed of listed) await removeIfThere({ world, session, options }, doomed);
}

/** `app/web secret/x`, or `app web`. */
function references(given: readonly string[]): Reference<(typeof NOUNS)[number]>[] {
  if (given.length > 0 && given.every((one) => !one.includes('/'))) return [referenceOf(given, NOUNS)];
  return given.map((one) => referenceOf([one], NOUNS));
}

function questionOf(doomed: readonly Doomed[], volumes: Options['volumes']): string {
  const what = doomed.map(({ noun, name }) => `${noun}/${name}`).join(', ');
  const data = volumes === 'remove' ? ' and the volumes of apps with all that is in them' : '';
  return `Delete ${what}${data}`;
}

const REMOVE = {
  secret: endpoints.secrets.remove,
  node: endpoints.nodes.remove,
  device: endpoints.devices.remove,
  'device-model': endpoints.deviceModels.remove,
  client: endpoints.clients.remove,
  endpoint: endpoints.endpoints.remove,
  route: endpoints.routes.remove,
};

interface Job {
  readonly world: World;
  readonly session: Session;
  readonly options: Options;
}

async function removeIfThere(job: Job, doomed: Doomed): Promise<void> {
  try {
    await removeOne(job, doomed);
  } catch (thrown) {
    if (toEdgeError(thrown).code !== 'not_found') throw thrown;
    await job.world.out.write(`${doomed.noun}/${doomed.name} was not there\n`);
  }
}

async function removeOne({ world, session, options }: Job, { noun, name, project }: Doomed): Promise<void> {
  const { client } = session;
  const given = { params: { project, name }, signal: world.signal };
  const away = noun === 'app' ? nodesAway(await client.call(endpoints.apps.get, given)) : [];
  if (noun === 'app') await client.call(endpoints.apps.remove, { ...given, query: { volumes: options.volumes } });
  else await client.call(REMOVE[noun], given);
  await world.out.write(`${noun}/${name} deleted\n`);
  for (const node of away) await world.err.write(`${node}: app/${name} is removed there when it is back.\n`);
}

/** Nodes of an app that are not connected, with how they are: `edge-1 is offline`. */
function nodesAway({ status }: App): string[] {
  return status.instances
    .filter(({ nodeState, reportedAt }) => nodeState !== 'ready' && reportedAt !== undefined)
    .map(({ node, nodeState }) => `${node} is ${nodeState}`);
}
