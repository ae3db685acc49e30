/** Finds, installs and starts a Docker engine on Debian or Ubuntu. Plain Node: it runs before anything is installed. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, openSync } from 'node:fs';
import { request } from 'node:http';
import { dirname, join } from 'node:path';
import { tmpdir } from 'node:os';

const SOCKET = process.env.SELVAGE_DOCKER_SOCKET ?? '/var/run/docker.sock';
const START_DEADLINE_MS = 60_000;

/**
 * Makes sure that a Docker engine answers on the socket.
 * @param {{ install: boolean, log: (line: string) => void, logFile?: string }} options `install`: may install Debian's package.
 * @returns {Promise<{ state: 'running' | 'started' | 'unavailable', pid?: number, reason?: string, stop: () => Promise<void> }>}
 *   `stop` ends an engine that this call started; it does nothing to one that ran before.
 */
export async function ensureDockerEngine({ install, log, logFile = join(tmpdir(), 'selvage-dockerd.log') }) {
  if (await answers()) return { state: 'running', stop: nothingToStop };
  if (!isRoot()) return unavailable('it does not answer, and starting it needs root');
  if (!onPath('dockerd')) {
    if (!install) return unavailable('no dockerd on this machine');
    const problem = installPackages(['docker.io'], log);
    if (problem) return unavailable(problem);
  }
  return start(log, logFile);
}

/**
 * Installs what is missing of a list of Debian packages. Needs root.
 * @returns {string | undefined} what went wrong, in words
 */
export function installPackages(packages, log) {
  const missing = packages.filter((name) => spawnSync('dpkg', ['-s', name]).status !== 0);
  if (missing.length === 0) return undefined;
  if (!isRoot() || !onPath('apt-get')) return `${missing.join(', ')}: install by hand, this is not Debian as root`;
  log(`Installing ${missing.join(', ')} …`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [['update'], ['install', '-y', '--no-install-recommends', ...missing]]) {
    const run = spawnSync('apt-get', ['-qq', ...args], { env, encoding: 'utf8' });
    if (run.status !== 0) return `apt-get ${args[0]} failed: ${run.stderr.trim().split('\n').at(-1) ?? ''}`;
  }
  return undefined;
}

async function start(log, logFile) {
  mkdirSync(dirname(logFile), { recursive: true });
  const output = openSync(logFile, 'a', 0o600);
  const engine = spawn('dockerd', ['--host', `unix://${SOCKET}`], {
    detached: true,
    stdio: ['ignore', output, output],
  });
  let exit;
  engine.once('error', (error) => (exit = error.message));
  engine.once('exit', (code, signal) => (exit = `dockerd ended with ${code ?? signal}`));
  engine.unref();
  const until = Date.now() + START_DEADLINE_MS;
  while (Date.now() < until && exit === undefined) {
    if (await answers()) {
      log(`Docker engine started (pid ${engine.pid}).`);
      return { state: 'started', pid: engine.pid, stop: () => stop(engine) };
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  await stop(engine);
  return unavailable(`${exit ?? 'dockerd did not answer within a minute'}; see ${logFile}`);
}

async function stop(engine) {
  if (engine.pid === undefined || engine.exitCode !== null || engine.signalCode !== null) return;
  const ended = new Promise((resolve) => engine.once('exit', resolve));
  engine.ref();
  engine.kill('SIGTERM');
  const kill = setTimeout(() => engine.kill('SIGKILL'), 30_000);
  await ended;
  clearTimeout(kill);
}

function answers() {
  if (!existsSync(SOCKET)) return Promise.resolve(false);
  return new Promise((resolve) => {
    const ping = request({ socketPath: SOCKET, path: '/_ping', timeout: 5_000 }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    ping.once('timeout', () => ping.destroy());
    ping.once('error', () => resolve(false));
    ping.end();
  });
}

function unavailable(reason) {
  return { state: 'unavailable', reason, stop: nothingToStop };
}

function isRoot() {
  return process.getuid?.() === 0;
}

function onPath(command) {
  return (process.env.PATH ?? '').split(':').some((folder) => existsSync(join(folder, command)));
}

function nothingToStop() {
  return Promise.resolve();
}
