import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { EdgeError, nodeKey, toEdgeError } from '@selvage/protocol';
import { hubId } from '@selvage/pki';
import { fetchCa, IdentityFile, type NodeIdentity, validityOf } from './certificates/index.js';
import { readConfig } from './config.js';
import { type Docker, DockerodeDocker } from './docker/index.js';
import { type AgentStatus, askAgent } from './local-api/index.js';
import { FolderLock, tryWrite } from './state/index.js';
import { printable } from './status-text.js';
import { tryLink } from './try-link.js';
import { wayOut } from './way-out.js';

const MIB = 1024 * 1024;
const LEAST_FREE = 500 * MIB;
/** Before this the agent did not exist: such a clock is wrong. */
const EARLIEST = Date.UTC(2025, 0, 1);

interface World {
  readonly folder: string;
  readonly now: number;
  readonly docker: Docker;
  readonly file: IdentityFile;
  readonly identity: () => Promise<NodeIdentity>;
}

/** Gives what was found well in words; throws what is wrong and what to do. */
type Check = (world: World) => Promise<string>;

const checks: readonly (readonly [name: string, check: Check])[] = [
  ['data folder', dataFolderIsWritable],
  ['clock', ({ now }) => Promise.resolve(clock(now))],
  ['identity', async ({ identity }) => `joined as ${nodeKey(await identity())}`],
  ['certificate', certificateHolds],
  ['hub', hubAnswers],
  ['link', hubLetsIn],
  ['Docker', async ({ docker }) => `engine ${(await docker.info()).version}`],
  ['disk', diskHasRoom],
];

/** Looks at all that the agent needs; gives a line for each and whether all is well. */
export async function doctor(folder: string, now: number): Promise<{ lines: string[]; well: boolean }> {
  const { dockerSocket } = readConfig(folder);
  const file = new IdentityFile(folder);
  const identity = async (): Promise<NodeIdentity> => (await file.load()) ?? notJoined();
  const world = { folder, now, file, identity, docker: new DockerodeDocker({ socketPath: dockerSocket }) };
  const found = await Promise.all(checks.map(([name, check]) => outcome(name, check, world)));
  return { lines: found.map(({ line }) => line), well: found.every(({ well }) => well) };
}

async function outcome(name: string, check: Check, world: World): Promise<{ line: string; well: boolean }> {
  try {
    return { line: `ok       ${name}: ${await check(world)}`, well: true };
  } catch (error) {
    return { line: `problem  ${name}: ${printable(toEdgeError(error).detail)}`, well: false };
  }
}

async function dataFolderIsWritable({ folder }: World): Promise<string> {
  refuseMissing(folder);
  await tryWrite(folder);
  return folder;
}

function clock(now: number): string {
  const time = new Date(now).toISOString();
  if (now >= EARLIEST) return time;
  throw new EdgeError('config_invalid', `it says ${time}; set it, for instance with a time server.`);
}

async function certificateHolds({ identity, file, now }: World): Promise<string> {
  const held = await identity();
  file.check();
  const { notBefore, notAfter } = validityOf(held);
  const end = new Date(notAfter).toISOString();
  if (now < notBefore) throw new EdgeError('certificate_invalid', 'it is of the future: set the clock.');
  if (now > notAfter)
    throw new EdgeError(
      'certificate_expired',
      `it expired at ${end}; a running agent renews it when it reaches the hub.`,
    );
  return `good until ${end}`;
}

async function hubAnswers({ identity }: World): Promise<string> {
  const { hubUrl, ca, hub } = await identity();
  const theirs = hubId(await fetchCa(hubUrl));
  if (theirs === hub || theirs === hubId(ca)) return `${hubUrl} answers and has the authority that was joined`;
  throw new EdgeError('ca_mismatch', `${hubUrl} has another authority than the one that was joined: join again.`);
}

/** What a running agent knows of it; without one, what the hub says to a hello. */
async function hubLetsIn(world: World): Promise<string> {
  const { hubUrl, ...identity } = await world.identity();
  const lock = new FolderLock(world.folder);
  try {
    await lock.take();
  } catch (thrown) {
    if (toEdgeError(thrown).code !== 'data_folder_in_use') throw thrown;
    return linkOf(await askAgent(world.folder));
  }
  try {
    await tryLink(hubUrl, identity);
    return 'the hub lets this node in; its agent does not run now';
  } catch (thrown) {
    throw isUnreachable(thrown) ? thrown : refused(toEdgeError(thrown).message);
  } finally {
    await lock.release();
  }
}

function linkOf({ hub: { state, since, reason } }: AgentStatus): string {
  if (state === 'connected') return `connected since ${since}`;
  if (state === 'refused') throw refused(reason ?? '');
  throw new EdgeError('hub_unreachable', `the agent is not connected since ${since}. ${reason ?? ''}`.trim());
}

function refused(reason: string): EdgeError {
  return new EdgeError('forbidden', `the hub refuses this node. ${reason} To do: ${wayOut(reason)}`);
}

function isUnreachable(thrown: unknown): boolean {
  return toEdgeError(thrown).code === 'hub_unreachable';
}

async function diskHasRoom({ folder }: World): Promise<string> {
  refuseMissing(folder);
  const { bavail, bsize } = await statfs(folder);
  const free = `${Math.round((bavail * bsize) / MIB)} MiB free`;
  if (bavail * bsize >= LEAST_FREE) return free;
  throw new EdgeError('out_of_disk', `only ${free}; images need room: remove what is not needed.`);
}

/** Whoever asks about a folder does not want one made: it is that of no agent, or the name is wrong. */
function refuseMissing(folder: string): void {
  if (!existsSync(folder))
    throw new EdgeError('config_invalid', `${folder} does not exist; "selvage-agent join" makes it.`);
}

function notJoined(): never {
  throw new EdgeError('config_invalid', 'this machine has not joined a hub: run "selvage-agent join".');
}
