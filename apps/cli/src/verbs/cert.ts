import { endpoints } from '@selvage/protocol';
import {
  UsageError,
  examples,
  inProject,
  openSession,
  type ProjectOptions,
  type Register,
  type World,
} from '../world/index.js';
import { certIssue } from './cert-issue.js';
import { type GetOptions, outputOption, show } from './get.js';

interface RevokeOptions extends ProjectOptions {
  readonly reason?: string;
}

/** `selvage cert`: the certificates of nodes, devices and clients. */
export const cert: Register = (parent, world) => {
  const group = parent.command('cert').description('list, issue and revoke certificates');
  const list = group
    .command('list')
    .description('list the certificates of a node, a device or a client')
    .argument('<object>', 'NODE, device/NAME or client/NAME');
  inProject(list)
    .addOption(outputOption())
    .action((name: string, options: GetOptions) => show('certificate', world, { name, options }));
  examples(list, ['selvage cert list edge-1', 'selvage cert list device/lamp-1']);
  certIssue(group, world);

  const revoke = group
    .command('revoke')
    .description('revoke a certificate; its holder is disconnected at once')
    .argument('<serial>')
    .option('--reason <text>', 'why, for the record');
  inProject(revoke).action((serial: string, options: RevokeOptions) => run(world, serial, options));
  examples(revoke, ['selvage cert revoke 4f2a… --reason "the device was stolen"']);
};

async function run(world: World, given: string, options: RevokeOptions): Promise<void> {
  const serial = given.replaceAll(':', '').toLowerCase();
  if (!/^[0-9a-f]{1,40}$/.test(serial)) throw new UsageError(`"${given}" is not the serial number of a certificate`);
  const { client, project } = await openSession(world, options);
  const body = options.reason === undefined ? {} : { reason: options.reason };
  const input = { params: { project, serial }, body, signal: world.signal };
  const { subject } = await client.call(endpoints.certificates.revoke, input);
  await world.out.write(`certificate/${serial} of ${subject} revoked\n`);
}
