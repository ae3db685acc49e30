/**
 * `npm test [-- --without GROUP,…]`: installs what the tests need, starts what is not running, runs every group and stops what it started.
 * What is missing and cannot be installed is a failure; a group is left out only by naming it: `npm test -- --without docker`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureDockerEngine, installPackages } from './docker-engine.mjs';

const root = resolve(import.meta.dirname, '..');
const reports = mkdtempSync(join(tmpdir(), 'selvage-test-'));
const env = { ...process.env, NX_DAEMON: 'false', FORCE_COLOR: process.env.FORCE_COLOR ?? '0' };
const total = { passed: 0, failed: 0 };

const DOCKER_PACKAGES = [
  ...['docker.io', 'docker-registry', 'busybox-static', 'curl', 'procps'],
  // Hubs on PostgreSQL, hubs whose clock is wrong, and signing requests that are not ours.
  ...['postgresql', 'faketime', 'openssl'],
  // Devices that are not ours.
  ...['mosquitto', 'mosquitto-clients', 'python3-paho-mqtt'],
];

/** Hubs on PostgreSQL, and what routes lead to. */
const UNIT_PACKAGES = ['postgresql', 'mosquitto', 'nats-server', 'kcat'];

/** Group → what runs. The order is that of the shortest way to bad news. */
const groups = {
  build: () => command('build', ['node', 'tools/build.mjs']),
  lint: () => command('lint', ['npm', 'run', '--silent', 'lint']),
  types: () => command('types', ['npm', 'run', '--silent', 'types']),
  unit: () => needs(UNIT_PACKAGES) && vitest('unit'),
  conformance: () => needs(['mosquitto']) && vitest('conformance'),
  docker: () => withDocker(() => ['flows', 'faults', 'flows-postgres'].forEach(vitest)),
};

const USAGE = `npm test [-- OPTIONS]

  --without GROUP,…  leave groups out; may be given more than once
  --help             this text

Groups, in the order in which they run: ${Object.keys(groups).join(', ')}.
A single test: npx vitest run --project unit PATH (or conformance, flows, flows-postgres, faults).
`;
const without = readWithout();
try {
  install();
  for (const [name, run] of Object.entries(groups)) if (!without.has(name)) await run();
} finally {
  rmSync(reports, { recursive: true, force: true });
}
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;

function readWithout() {
  const taken = process.env.npm_config_without;
  if (taken) return end(2, `npm took --without for its own. Write: npm test -- --without GROUP\n\n${USAGE}`);
  const options = { without: { type: 'string', multiple: true, default: [] }, help: { type: 'boolean', short: 'h' } };
  try {
    const { values } = parseArgs({ options, strict: true });
    if (values.help) return end(0, USAGE);
    const names = values.without.flatMap((list) => list.split(',')).filter(Boolean);
    const unknown = names.filter((name) => !Object.hasOwn(groups, name));
    return unknown.length === 0 ? new Set(names) : end(2, `No test group ${unknown.join(', ')}.\n\n${USAGE}`);
  } catch (error) {
    return end(2, `${error.message.split('. ')[0]}.\n\n${USAGE}`);
  }
}

function install() {
  if (existsSync(join(root, 'node_modules', '.package-lock.json'))) return;
  heading('npm ci');
  const run = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: root, env, stdio: 'inherit' });
  if (run.status !== 0) stopWith('npm ci failed: the lines above say why.');
}

async function withDocker(run) {
  if (!needs(DOCKER_PACKAGES)) return;
  const engine = await ensureDockerEngine({ install: true, log: console.log });
  if (engine.state === 'unavailable')
    return fail(`No Docker engine: ${engine.reason}. To leave these out: --without docker`);
  try {
    run();
  } finally {
    await engine.stop();
  }
}

function needs(packages) {
  const problem = installPackages(packages, console.log);
  if (problem) fail(problem);
  return problem === undefined;
}

function command(name, [program, ...args]) {
  heading(name);
  const run = spawnSync(program, args, { cwd: root, env, stdio: 'inherit' });
  if (run.status === 0) total.passed += 1;
  else fail(`${name} failed.`);
}

function vitest(project) {
  heading(project);
  const report = join(reports, `${project}.json`);
  const args = ['run', '--project', project, '--passWithNoTests=false', '--reporter=default', '--reporter=json'];
  const run = spawnSync('npx', ['--no-install', 'vitest', ...args, `--outputFile.json=${report}`], {
    cwd: root,
    env,
    stdio: 'inherit',
  });
  const result = readReport(report);
  total.passed += result?.numPassedTests ?? 0;
  total.failed += result?.numFailedTests ?? 0;
  const problem = problemOf(run, result);
  if (problem && !result?.numFailedTests) fail(`${project} tests: ${problem}.`);
}

/** What Vitest wrote about its run; undefined when it wrote nothing, or not all of it. */
function readReport(file) {
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Why a run does not count as passed, in words: only one that ended well and whose report has every test as passed does. */
function problemOf({ status, signal }, result) {
  if (status !== 0) return `ended with ${status ?? signal}`;
  if (result === undefined) return 'there is no whole report of them';
  const { success, numTotalTests = 0, numPassedTests = 0 } = result;
  if (numTotalTests === 0) return 'there was none';
  if (numPassedTests < numTotalTests) return `${numTotalTests - numPassedTests} of them did not run`;
  return success === true ? undefined : 'the report says that they failed';
}

function heading(text) {
  console.log(`\n── ${text}`);
}

function fail(reason) {
  console.error(reason);
  total.failed += 1;
}

function stopWith(reason) {
  end(1, reason);
}

function end(code, words) {
  (code === 0 ? console.log : console.error)(words.trimEnd());
  rmSync(reports, { recursive: true, force: true });
  process.exit(code);
}
