import { access, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ClientCertificate, endpoints } from '@selvage/protocol';
import type { Command } from 'commander';
import { referenceOf } from '../arguments/index.js';
import { text } from '../output/index.js';
import {
  examples,
  inProject,
  openFile,
  openSession,
  type ProjectOptions,
  readUpTo,
  UsageError,
  type World,
} from '../world/index.js';

const NOUNS = ['device', 'client'] as const;
const MAX_CSR = 16_384;

interface Options extends ProjectOptions {
  readonly csr?: string;
  readonly out: string;
}
interface File {
  readonly path: string;
  readonly mode: number;
  readonly content: (issued: ClientCertificate) => string | undefined;
}

/** `selvage cert issue`: a certificate for a device or a client, in files. */
export function certIssue(group: Command, world: World): void {
  const command = group
    .command('issue')
    .description('issue a certificate for a device or a client and write key, certificate and CA into files')
    .argument('<object...>', 'device/NAME or client/NAME')
    .option('--csr <file>', 'for the key of this signing request (PEM); without it a new key is made')
    .option('--out <folder>', 'where to write key.pem, cert.pem and ca.pem', '.');
  inProject(command).action((given: string[], options: Options) => run(world, given, options));
  examples(command, ['selvage cert issue device/lamp-1 --out lamp-1', 'selvage cert issue client/web --csr web.csr']);
}

async function run(world: World, given: readonly string[], options: Options): Promise<void> {
  const { noun, name } = referenceOf(given, NOUNS);
  const csr = options.csr === undefined ? undefined : await readCsr(world, options.csr);
  const files = filesOf(options);
  // Looked at before anything is issued: the private key comes once.
  for (const { path } of files) await refuseExisting(path);
  await mkdir(options.out, { recursive: true });
  const { client, project } = await openSession(world, options);
  const input = { params: { project, name }, body: csr === undefined ? {} : { csr }, signal: world.signal };
  const { certificate } = noun === 'device' ? endpoints.devices : endpoints.clients;
  const issued = await client.call(certificate, input);
  const written: string[] = [];
  for (const { path, mode, content } of files) {
    const pem = content(issued);
    if (pem === undefined) continue;
    await writeFile(path, pem, { mode, flag: 'wx' });
    written.push(`wrote ${path}`);
  }
  await world.out.write(
    text([`certificate/${issued.serial} of ${issued.subject} issued, valid until ${issued.notAfter}`, ...written]),
  );
}

function filesOf({ csr, out }: Options): File[] {
  const key: File = { path: join(out, 'key.pem'), mode: 0o600, content: (issued) => issued.key };
  return [
    ...(csr === undefined ? [key] : []),
    { path: join(out, 'cert.pem'), mode: 0o644, content: ({ chain }) => chain },
    { path: join(out, 'ca.pem'), mode: 0o644, content: ({ ca }) => ca },
  ];
}

async function readCsr({ signal }: World, path: string): Promise<string> {
  const bytes = await openFile(path).catch((cause: unknown) => {
    throw new UsageError(`${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`);
  });
  if (bytes === undefined) throw new UsageError(`${path} is neither a file nor a pipe`);
  const csr = await readUpTo(bytes, { limit: MAX_CSR, signal });
  if (csr === undefined) throw new UsageError(`${path} is larger than a signing request`);
  return csr;
}

async function refuseExisting(path: string): Promise<void> {
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  if (isThere) throw new UsageError(`${path} is there already; remove it or write elsewhere with --out`);
}
