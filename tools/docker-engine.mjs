/** Finds, installs and starts a Docker engine on Debian or Ubuntu. Plain Node: it runs before anything is installed. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, openSync } from 'node:fs';
import { request } from 'node:http';
import { dirname, join } from 'node:path';
import { tmpdir } from 'node:os';
import { DEFAULT_SOCKET, engineSocket } from './docker-socket.mjs';

const START_DEADLINE_MS = 60_000;
const LOG_FILE = join(tmpdir(), 'selvage-dockerd.log');

/**
 * Makes sure that a Docker engine answers on the socket. An engine is started on the default socket only: who asks for another one runs
 * it.
 * @param {object} options
 * @param {boolean} options.install may install Debian's package
 * @param {(line: string) => void} options.log
 * @param {string} [options.logFile] where an engine that is started writes
 * @param {import('./docker-socket.mjs').EngineSocket} [options.socket]
 * @returns {Promise<{ state: 'running' | 'started' | 'unavailable', pid?: number, reason?: string, stop: () => Promise<void> }>}
 *   `stop` ends an engine that this call started; it does nothing to one that ran before.
 */
export async function ensureDockerEngine({ install, log, logFile = LOG_FILE, socket = engineSocket(process.env) }) {
  const { path, setBy } = socket;
  if (path === undefined) return unavailable(`${setBy} names no socket of this machine (unix:///path)`);
  const silence = await silenceOf(path);
  if (silence === undefined) return { state: 'running', stop: nothingToStop };
  if (setBy !== undefined) return unavailable(`${path}, which ${setBy} asks for, ${silence}`);
  if (!isRoot()) return unavailable(`${path} ${silence}, and starting an engine needs root`);
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
  const engine = spawn('dockerd', ['--host', `unix://${DEFAULT_SOCKET}`], {
    detached: true,
    stdio: ['ignore', output, output],
  });
  let exit;
  engine.once('error', (error) => (exit = error.message));
  engine.once('exit', (code, signal) => (exit = `dockerd ended with ${code ?? signal}`));
  engine.unref();
  const until = Date.now() + START_DEADLINE_MS;
  while (Date.now() < until && exit === undefined) {
    if ((await silenceOf(DEFAULT_SOCKET)) === undefined) {
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

/** How the engine behind a socket does not answer, in words; undefined when it does. */
function silenceOf(socketPath) {
  if (!existsSync(socketPath)) return Promise.resolve('does not exist');
  return new Promise((resolve) => {
    const ping = request({ socketPath, path: '/_ping', timeout: 5_000 }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200 ? undefined : `answers with ${answer.statusCode}`);
    });
    ping.once('timeout', () => ping.destroy());
    ping.once('error', ({ code }) => resolve(code === 'EACCES' ? 'is not for this user' : 'does not answer'));
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
