import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { freePort } from './free-port.js';

const run = promisify(execFile);
const VERSIONS = '/usr/lib/postgresql';
const USER = 'selvage';
const START_MS = 60_000;
const COMMAND_MS = 60_000;
const PACKAGE = 'Install the Debian package postgresql.';
/** What is written here is gone with the test: nothing needs to reach the disk. */
const SETTINGS = {
  fsync: 'off',
  full_page_writes: 'off',
  shared_buffers: '32MB',
  max_connections: '200',
  unix_socket_directories: '',
};

/** Who owns the files and runs the server: nobody in particular, or the user `postgres`, since it refuses to run as root. */
interface Owner {
  readonly uid?: number;
  readonly gid?: number;
}

/**
 * Debian's PostgreSQL on a free port of 127.0.0.1, asking for a random password, with its data in a temporary folder.
 * Throws when the package `postgresql` is not installed.
 */
export async function startPostgres(): Promise<Postgres> {
  const [bin, owner] = await Promise.all([binaries(), ownerOfFiles()]);
  const folder = await mkdtemp(join(tmpdir(), 'selvage-postgres-'));
  if (owner.uid !== undefined && owner.gid !== undefined) await chown(folder, owner.uid, owner.gid);
  const password = randomBytes(18).toString('base64url');
  const postgres = new Postgres({ bin, owner, folder, port: await freePort(), password });
  try {
    await initialise({ bin, owner, folder, password });
    await postgres.up();
    return postgres;
  } catch (error) {
    await postgres.stop();
    throw error;
  }
}

/** A server with databases in it. */
export class Postgres {
  /** Ends with `/`: the name of a database follows. */
  readonly url: string;
  #server: ChildProcess | undefined;

  constructor(private readonly at: Place & { readonly port: number; readonly password: string }) {
    this.url = `postgres://${USER}:${at.password}@127.0.0.1:${at.port}/`;
  }

  /** Makes an empty database and gives its URL. */
  createDatabase(): Promise<string> {
    return createDatabase(this.url);
  }

  /** Serves again after `down`, on the same port. */
  async up(): Promise<void> {
    this.#server = launch(this.at);
    process.once('exit', this.#reap);
    await ready(this.#server);
  }

  /** Ends at once, with everybody's connections; what was committed is there again after `up`. */
  async down(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    process.off('exit', this.#reap);
    if (server !== undefined) await ended(server);
  }

  /** `down` for good: its data goes as well. */
  async stop(): Promise<void> {
    await this.down();
    await rm(this.at.folder, { recursive: true, force: true });
  }

  readonly #reap = (): void => {
    this.#server?.kill('SIGQUIT');
  };
}

/** Makes an empty database on the server of this URL, which ends with `/`, and gives the URL of the database. */
export async function createDatabase(server: string): Promise<string> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  const psql = join(await binaries(), 'psql');
  const args = ['--no-psqlrc', '--quiet', '--command', `CREATE DATABASE ${name}`];
  const { hostname: PGHOST, port: PGPORT, username: PGUSER, password: PGPASSWORD } = new URL(server);
  await run(psql, args, { env: { PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE: 'postgres' }, timeout: COMMAND_MS });
  return `${server}${name}`;
}

interface Place {
  readonly bin: string;
  readonly owner: Owner;
  readonly folder: string;
}

async function initialise({ bin, owner, folder, password }: Place & { readonly password: string }): Promise<void> {
  const file = join(folder, 'password');
  await writeFile(file, password, { mode: 0o600 });
  if (owner.uid !== undefined && owner.gid !== undefined) await chown(file, owner.uid, owner.gid);
  const auth = ['--username', USER, '--auth', 'scram-sha-256', '--pwfile', file];
  const args = ['--pgdata', join(folder, 'data'), ...auth, '--encoding', 'UTF8', '--locale', 'C', '--no-sync'];
  await run(join(bin, 'initdb'), args, { ...owner, cwd: folder, timeout: COMMAND_MS });
  await rm(file);
}

function launch({ bin, owner, folder, port }: Place & { readonly port: number }): ChildProcess {
  const settings = Object.entries({ ...SETTINGS, listen_addresses: '127.0.0.1', port: String(port) });
  const args = ['-D', join(folder, 'data'), ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])];
  return spawn(join(bin, 'postgres'), args, { ...owner, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
}

/** The programs of the newest version that is installed. */
async function binaries(): Promise<string> {
  const versions = await readdir(VERSIONS).catch((cause: unknown) => {
    throw new Error(`There is no PostgreSQL in ${VERSIONS}. ${PACKAGE}`, { cause });
  });
  const newest = versions.sort((a, b) => Number(a) - Number(b)).at(-1);
  if (newest === undefined) throw new Error(`${VERSIONS} is empty. ${PACKAGE}`);
  return join(VERSIONS, newest, 'bin');
}

async function ownerOfFiles(): Promise<Owner> {
  if (process.getuid?.() !== 0) return {};
  const users = await readFile('/etc/passwd', 'utf8');
  const ids = /^postgres:[^:]*:(\d+):(\d+):/m.exec(users);
  if (ids === null) throw new Error(`There is no user postgres, and PostgreSQL does not run as root. ${PACKAGE}`);
  return { uid: Number(ids[1]), gid: Number(ids[2]) };
}

function ready(server: ChildProcess): Promise<void> {
  const said: string[] = [];
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      clearTimeout(timer);
      reject(new Error(`PostgreSQL did not start: ${why}\n${said.slice(-20).join('\n')}`));
    };
    const timer = setTimeout(() => {
      fail(`it was not ready after ${START_MS} ms`);
    }, START_MS);
    server.once('error', (error) => {
      fail(error.message);
    });
    server.once('exit', (code) => {
      fail(`it ended with ${code ?? 'a signal'}`);
    });
    if (!server.stderr) return;
    createInterface(server.stderr).on('line', (line) => {
      if (said.length < 1000) said.push(line);
      if (!line.includes('ready to accept connections')) return;
      clearTimeout(timer);
      resolve();
    });
  });
}

async function ended(server: ChildProcess): Promise<void> {
  if (server.pid === undefined || server.exitCode !== null || server.signalCode !== null) return;
  const exit = new Promise((resolve) => server.once('exit', resolve));
  server.kill('SIGQUIT');
  await exit;
}
