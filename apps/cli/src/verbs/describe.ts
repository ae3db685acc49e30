import { type App, endpoints, type Node, type Secret } from '@selvage/protocol';
import { type Reference, referenceOf } from '../arguments/index.js';
import { bytes, type Facts, factLines, moment, section, text } from '../output/index.js';
import {
  examples,
  inProject,
  openSession,
  type ProjectOptions,
  type Register,
  type Session,
  type World,
} from '../world/index.js';
import { certificateLines } from './certificate-lines.js';
import { clientLines, deviceLines, deviceModelLines } from './describe-devices.js';
import { endpointLines, routeLines } from './describe-routes.js';
import { headFacts } from './head-facts.js';
import { instanceLines } from './instances.js';

const NOUNS = ['node', 'app', 'secret', 'device', 'device-model', 'client', 'endpoint', 'route'] as const;

const LINES: Readonly<Record<(typeof NOUNS)[number], Lines>> = {
  node: (...given) => nodeLines(...given),
  app: (...given) => appLines(...given),
  secret: (...given) => secretLines(...given),
  device: deviceLines,
  'device-model': deviceModelLines,
  client: clientLines,
  endpoint: endpointLines,
  route: routeLines,
};

/** `selvage describe`: everything about one object, for people. */
export const describe: Register = (parent, world) => {
  const command = parent
    .command('describe')
    .description('show everything about one object')
    .argument(
      '<object...>',
      'node/NAME, app/NAME, secret/NAME, device/NAME, device-model/NAME, client/NAME, endpoint/NAME or route/NAME',
    );
  inProject(command).action((given: string[], options: ProjectOptions) =>
    run(world, referenceOf(given, NOUNS), options),
  );
  examples(command, ['selvage describe node edge-1', 'selvage describe app/web', 'selvage describe device/lamp-1']);
};

async function run(world: World, reference: Reference<(typeof NOUNS)[number]>, options: ProjectOptions): Promise<void> {
  const session = await openSession(world, options);
  await world.out.write(text(await LINES[reference.noun](world, session, reference.name)));
}

type Lines = (world: World, session: Session, name: string) => Promise<string[]>;

const nodeLines: Lines = async (world, { client, project }, name) => {
  const { signal } = world;
  const node = await client.call(endpoints.nodes.get, { params: { project, name }, signal });
  const { items: certificates } = await client.call(endpoints.certificates.list, { params: { project, name }, signal });
  const { items: apps } = await client.call(endpoints.apps.list, {
    params: { project },
    query: { node: name, limit: 1000 },
    signal,
  });
  const now = world.now();
  return [
    ...factLines([...headFacts(node, now), ...nodeFacts(node, now)]),
    ...section('Machine', machine(node, now)),
    ...section('Certificates', certificateLines(certificates, now)),
    ...section(
      'Apps',
      apps.flatMap((app) => instanceLines(onlyOn(app, name), now)),
    ),
  ];
};

const appLines: Lines = async (world, { client, project }, name) => {
  const app = await client.call(endpoints.apps.get, { params: { project, name }, signal: world.signal });
  const now = world.now();
  const { placement, imagePullSecret, containers } = app.spec;
  const { state, running, wanted } = app.status;
  const facts: Facts = [
    ...headFacts(app, now),
    ['state', state],
    ['running', `${running} of ${wanted} nodes run revision ${app.revision}`],
    ['nodes', placement.nodes.join(', ')],
    ['selector', placement.selector],
    ['pull secret', imagePullSecret],
  ];
  return [
    ...factLines(facts),
    ...section(
      'Containers',
      containers.flatMap((container) => containerLines(container)),
    ),
    ...section('Instances', instanceLines(app, now)),
  ];
};

function secretFacts({ spec, status }: Secret): [string, string][] {
  if (spec.type === 'data')
    return [
      ['properties', spec.properties.join(', ') || 'none'],
      ['values', '(never shown)'],
      ['nodes', spec.nodes.join(', ') || 'none'],
    ];
  return [
    ['registry', spec.registry],
    ['user', spec.username],
    ['password', '(never shown)'],
    ['used by', status.usedBy.join(', ') || 'no app'],
  ];
}

const secretLines: Lines = async (world, { client, project }, name) => {
  const secret: Secret = await client.call(endpoints.secrets.get, { params: { project, name }, signal: world.signal });
  return factLines([...headFacts(secret, world.now()), ['type', secret.spec.type], ...secretFacts(secret)]);
};

function nodeFacts({ spec, status }: Node, now: number): Facts {
  return [
    ['description', spec.description],
    ['state', status.state],
    ['reason', status.reason],
    ['last seen', moment(status.lastSeenAt, now)],
    ['joined', moment(status.joinedAt, now)],
    ['certificate', status.certificateDaysLeft === undefined ? '' : `${status.certificateDaysLeft} days left`],
    ['desired state', inStep(status)],
  ];
}

/** What a node without a link holds by now is not known; what waits for it is. */
function inStep({ state, desiredRevision, storedRevision }: Node['status']): string {
  const isBehind = desiredRevision !== undefined && storedRevision !== desiredRevision;
  if (state === 'ready')
    return isBehind ? `revision ${desiredRevision}; the node has ${storedRevision ?? 'none'}` : 'in step';
  if (state === 'never_joined') return '';
  const waiting = isBehind ? `; revision ${desiredRevision} waits, it had ${storedRevision ?? 'none'}` : '';
  return `not known while it is ${state}${waiting}`;
}

function machine({ status: { facts } }: Node, now: number): string[] {
  if (facts === undefined) return [];
  const { docker } = facts;
  const engine = [docker.state, docker.version, docker.apiVersion && `API ${docker.apiVersion}`, docker.storageDriver];
  return factLines([
    ['host name', facts.hostname],
    ['architecture', facts.arch],
    ['system', `${facts.os}, kernel ${facts.kernel}`],
    ['processors', `${facts.cpus} (${facts.cpuModel})`],
    ['memory', bytes(facts.memoryBytes)],
    ['disk', `${bytes(facts.diskFreeBytes)} of ${bytes(facts.diskBytes)} free`],
    ['graphics', facts.gpus.map(({ vendor, model }) => `${vendor} ${model}`).join('\n')],
    ['addresses', facts.addresses.join(', ')],
    ['docker', engine.filter((part) => part !== undefined && part !== '').join(', ')],
    ['', docker.reason],
    ['mounts allowed', facts.mountAllowList.join(', ')],
    ['agent', facts.agentVersion],
    ['booted', moment(facts.bootedAt, now)],
  ]);
}

function containerLines(container: App['spec']['containers'][number]): string[] {
  const { name, image, command, args, env, ports, mounts, limits, restart, user } = container;
  const facts = factLines([
    ['image', image],
    ['command', command?.join(' ')],
    ['arguments', args?.join(' ')],
    ['environment', env.map((one) => `${one.name}=${one.value}`).join('\n')],
    ['ports', ports.map(portText).join('\n')],
    ['mounts', mounts.map(mountText).join('\n')],
    ['cpu', limits.cpu === undefined ? '' : `at most ${limits.cpu}`],
    ['memory', limits.memoryMb === undefined ? '' : `at most ${limits.memoryMb} MiB`],
    ['restart', restart],
    ['user', user],
  ]);
  return [name, ...facts.map((line) => `  ${line}`)];
}

function portText({
  hostIp,
  hostPort,
  containerPort,
  protocol,
}: App['spec']['containers'][number]['ports'][number]): string {
  return `${hostIp === undefined ? '' : `${hostIp}:`}${hostPort} → ${containerPort}/${protocol}`;
}

function mountText(mount: App['spec']['containers'][number]['mounts'][number]): string {
  const source = 'volume' in mount ? `volume ${mount.volume}` : mount.hostPath;
  return `${source} → ${mount.path}${mount.readOnly ? ' (read only)' : ''}`;
}

function onlyOn(app: App, node: string): App {
  return { ...app, status: { ...app.status, instances: app.status.instances.filter((one) => one.node === node) } };
}
