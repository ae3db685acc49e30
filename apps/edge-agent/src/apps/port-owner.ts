import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { EdgeError } from '@selvage/protocol';
import type { ContainerLine, Docker } from '../docker/index.js';
import { originOf } from './labels.js';

/** A port of this machine. */
export interface HostPort {
  readonly hostPort: number;
  readonly protocol: string;
}

const LISTEN = '0A';
/** A bound UDP socket that is not connected. */
const UNCONNECTED = '07';
/** Enough for a big machine; a search through more would take too long for a status text. */
const MAX_PROCESSES = 20_000;

/** The error of a port that is taken, said with by whom; nothing when nobody is found. */
export async function describePortOwner(
  docker: Docker,
  ports: readonly HostPort[],
  cause: EdgeError,
): Promise<EdgeError | undefined> {
  const containers = await docker.list();
  for (const port of ports) {
    const holder = containers.find((one) => one.ports.some((held) => isSame(held, port)));
    const owner = holder ? containerInWords(holder) : await processOnPort(port);
    if (owner === undefined) continue;
    const detail = `Host port ${port.hostPort}/${port.protocol} is held by ${owner}.`;
    return new EdgeError('port_taken', detail, { cause });
  }
  return undefined;
}

function isSame(held: HostPort, wanted: HostPort): boolean {
  return held.hostPort === wanted.hostPort && held.protocol === wanted.protocol;
}

function containerInWords({ name, labels }: ContainerLine): string {
  const { app, container } = originOf(labels);
  return app === '' ? `container "${name}", which Selvage does not manage` : `container "${container}" of app "${app}"`;
}

/**
 * Name and id of the process that listens on a port, `nginx (pid 812)`, as far as this machine lets the agent see it.
 * @param proc folder of the process file system
 */
export async function processOnPort(port: HostPort, proc = '/proc'): Promise<string | undefined> {
  const inodes = new Set<string>();
  for (const table of [port.protocol, `${port.protocol}6`])
    for (const inode of listeners(await text(join(proc, 'net', table)), port)) inodes.add(`socket:[${inode}]`);
  if (inodes.size === 0) return undefined;
  const pids = (await names(proc)).filter((entry) => /^\d+$/.test(entry)).slice(0, MAX_PROCESSES);
  for (const pid of pids)
    if (await holds(join(proc, pid, 'fd'), inodes))
      return `${(await text(join(proc, pid, 'comm'))).trim()} (pid ${pid})`;
  return undefined;
}

/** Inodes of the sockets that listen on the port, from the text of `/proc/net/tcp` and its like. */
export function listeners(table: string, { hostPort, protocol }: HostPort): string[] {
  const state = protocol === 'udp' ? UNCONNECTED : LISTEN;
  const local = `:${hostPort.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = table.split('\n').map((line) => line.trim().split(/\s+/));
  return rows.filter((row) => row[1]?.endsWith(local) === true && row[3] === state).map((row) => row[9] ?? '');
}

async function holds(folder: string, inodes: ReadonlySet<string>): Promise<boolean> {
  for (const descriptor of await names(folder)) if (inodes.has(await link(join(folder, descriptor)))) return true;
  return false;
}

/** Processes come and go while they are read, and others may not be read: what cannot be seen is empty. */
async function text(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}

async function names(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}

async function link(path: string): Promise<string> {
  return readlink(path).catch(() => '');
}
