/** What a checkout needs before it runs: packages and a build. Both are left alone when nothing changed. Plain Node. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const LEAST_NODE = [20, 19];
const PARTS = ['libs', 'apps'];

/** @returns {string | undefined} what is wrong with this Node, in words */
export function nodeProblem(version = process.versions.node) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [leastMajor, leastMinor] = LEAST_NODE;
  if (major > leastMajor || (major === leastMajor && minor >= leastMinor)) return undefined;
  return `Node ${LEAST_NODE.join('.')} or newer is needed; this is ${version}. Install a newer one from https://nodejs.org.`;
}

/**
 * Installs the packages of the lock file, if one of them is missing or has another version.
 * @returns {string | undefined} what went wrong, in words
 */
export function installPackagesOf(root, log) {
  if (hasPackages(root)) return undefined;
  log('Installing packages (npm ci; a few minutes the first time) …');
  return npm(root, ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
}

/**
 * Builds hub, agent and CLI, if a source changed since the last build that this function made. Of several at once one builds, and the
 * others wait for it: what runs from a build must not be written anew.
 * @returns {string | undefined} what went wrong, in words
 */
export function buildOf(root, log) {
  const cache = join(root, 'node_modules', '.cache', 'selvage');
  if (isBuiltNow(root, cache)) return undefined;
  mkdirSync(cache, { recursive: true });
  const lock = join(cache, 'building');
  let told;
  while (!taken(lock)) {
    const holder = holderOf(lock);
    if (told === undefined && holder !== undefined)
      log(`Process ${holder} builds this checkout; waiting for it (${lock}) …`);
    told ??= holder;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    if (isBuiltNow(root, cache)) return undefined;
  }
  try {
    if (isBuiltNow(root, cache)) return undefined;
    log('Building (about a minute the first time) …');
    // Taken before: what changes meanwhile may not be in the build.
    const stamp = stampOf(root);
    const problem = npm(root, ['run', '--silent', 'build']);
    if (problem === undefined) writeFileSync(join(cache, 'build-stamp'), stamp);
    return problem;
  } finally {
    rmSync(lock, { force: true });
  }
}

function isBuiltNow(root, cache) {
  const stampFile = join(cache, 'build-stamp');
  const made = existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stampOf(root);
  return made && packagesOf(root).every(isBuilt);
}

/** Whether this process has the lock now. That of a process that is no more counts for nothing. */
function taken(lock) {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  const holder = holderOf(lock);
  if (holder !== undefined && !isRunning(holder)) rmSync(lock, { force: true });
  return false;
}

/** The process that has the lock; undefined when it is let go of, or taken, right now. */
function holderOf(lock) {
  try {
    return Number(readFileSync(lock, 'utf8')) || undefined;
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    return undefined;
  }
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Whether what the lock file names is there, optional packages (those of other platforms) aside. */
function hasPackages(root) {
  const installed = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installed)) return false;
  const there = JSON.parse(readFileSync(installed, 'utf8')).packages;
  const wanted = Object.entries(JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages);
  return wanted
    .filter(([path, { optional }]) => path.startsWith('node_modules/') && optional !== true)
    .every(([path, { version }]) => there[path] !== undefined && there[path].version === version);
}

/** Changes with each change of a file that the build reads. */
function stampOf(root) {
  const files = [
    ...['package.json', 'package-lock.json', 'tsconfig.base.json', 'nx.json'].map((name) => join(root, name)),
    ...packagesOf(root).flatMap((folder) => [
      join(folder, 'package.json'),
      join(folder, 'tsconfig.build.json'),
      ...filesUnder(join(folder, 'src')),
    ]),
  ];
  const hash = createHash('sha256').update(process.version);
  for (const file of files.filter(existsSync).sort()) {
    const { size, mtimeMs } = statSync(file);
    hash.update(`${file} ${size} ${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

function packagesOf(root) {
  return PARTS.flatMap((part) => readdirSync(join(root, part)).map((name) => join(root, part, name))).filter((folder) =>
    existsSync(join(folder, 'package.json')),
  );
}

function isBuilt(folder) {
  const entry = dirname(folder).endsWith('apps') ? 'main.js' : 'index.js';
  return existsSync(join(folder, 'dist', entry));
}

function filesUnder(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.test.ts'))
    .map((entry) => join(entry.parentPath, entry.name));
}

/** What it says is shown when it fails only: a build that works has nothing to tell. */
function npm(root, args) {
  const env = { ...process.env, NX_DAEMON: 'false', NX_TUI: 'false' };
  const run = spawnSync('npm', args, { cwd: root, env, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  if (run.status === 0) return undefined;
  if (run.signal) return `npm ${args[0]} was stopped.`;
  return `${run.stdout ?? ''}${run.stderr ?? ''}\nnpm ${args.join(' ')} failed: the lines above say why.`.trim();
}
