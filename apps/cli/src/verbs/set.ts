import { type Device, endpoints, type ExpectedWrite } from '@selvage/protocol';
import { InvalidArgumentError } from 'commander';
import { nameOf } from '../arguments/index.js';
import {
  examples,
  inProject,
  openSession,
  type ProjectOptions,
  type Register,
  UsageError,
  type World,
} from '../world/index.js';

interface Options extends ProjectOptions {
  readonly ifRevision?: number;
}

/** `selvage set`: what a device is to do, as expected values of its twin. */
export const set: Register = (parent, world) => {
  const command = parent
    .command('set')
    .description('set expected values of a device; the device is told, now or when it comes back')
    .argument('<device>', 'device/NAME')
    .argument('<values...>', 'KEY=VALUE sets a value, KEY- deletes a key')
    .option('--if-revision <revision>', 'only if the device still has this revision', revisionOf);
  inProject(command).action((device: string, values: string[], options: Options) =>
    run(world, { device, values }, options),
  );
  examples(command, ['selvage set device/lamp-1 power=true level=40', 'selvage set device/lamp-1 level-']);
};

async function run(
  world: World,
  { device, values }: { readonly device: string; readonly values: readonly string[] },
  options: Options,
): Promise<void> {
  const name = nameOf([device], 'device');
  const body = writeOf(values);
  const { client, project } = await openSession(world, options);
  const { ifRevision: ifMatch } = options;
  const input = { params: { project, name }, body, signal: world.signal, ...(ifMatch !== undefined && { ifMatch }) };
  const { status } = await client.call(endpoints.devices.expected, input);
  await world.out.write(`${[`device/${name} set`, ...fates(body, status.twin)].join('; ')}\n`);
}

/** What is still to come. A value waits until the device reports it; a key is deleted by the node, without the device. */
function fates(body: ExpectedWrite, twin: Device['status']['twin']): string[] {
  const keys = (isDeleted: boolean, isPending: boolean): string[] =>
    Object.keys(body).filter(
      (key) => (body[key] === null) === isDeleted && (twin[key]?.pending ?? false) === isPending,
    );
  return [
    fate(keys(false, true), ['waits for the device', 'wait for the device']),
    fate(keys(true, false), ['is deleted', 'are deleted']),
    fate(keys(true, true), ['goes when the node hears of it', 'go when the node hears of it']),
  ].filter((text) => text !== '');
}

function fate(keys: readonly string[], [one, many]: readonly [string, string]): string {
  return keys.length === 0 ? '' : `${keys.join(', ')} ${keys.length === 1 ? one : many}`;
}

/** @throws UsageError when one of them says neither a value nor a deletion. */
function writeOf(values: readonly string[]): ExpectedWrite {
  const pairs = values.map((text): [string, string | null] => {
    const at = text.indexOf('=');
    if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
    if (at === -1 && text.length > 1 && text.endsWith('-')) return [text.slice(0, -1), null];
    throw new UsageError(`"${text}" is neither KEY=VALUE nor KEY-`);
  });
  return Object.fromEntries(pairs);
}

function revisionOf(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('Give the revision that you have seen.');
  return value;
}
