/**
 * `npm start`: installs and builds what is missing, starts the hub and the agent of this checkout, makes this machine the node `local`
 * of project `default` and keeps both running until Ctrl-C. Plain Node: it runs before anything is installed.
 */
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { buildOf, installPackagesOf, nodeProblem } from './checkout.mjs';
import { ensureDockerEngine } from './docker-engine.mjs';
import { engineSocket } from './docker-socket.mjs';
import { startDemo } from './demo.mjs';
import { isReady, logIn, Refused } from './hub-calls.mjs';
import { CONFIGURATION, Service } from './processes.mjs';
import { readOptions, USAGE } from './start-options.mjs';
import { becomeLocalNode } from './this-node.mjs';

const DEFAULT_URL = 'http://127.0.0.1:8080';
const HUB_MS = 60_000;
const NODE_MS = 60_000;
const EVERY_MS = 100;
/** By what became of the Docker engine at the start. */
const LEFT_BEHIND = {
  running: '; containers go on running',
  started: ', with the Docker engine that it had started',
};
/** What only the hub has to know. */
const OF_THE_HUB = ['SELVAGE_ADMIN_PASSWORD', 'SELVAGE_DATABASE_URL', 'SELVAGE_MASTER_KEY_FILE'];

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const data = resolve(process.env.SELVAGE_DATA || join(root, '.selvage'));
const passwordFile = join(data, 'hub', 'admin-password');
const portsFile = join(data, 'hub', 'ports.json');
const agentFolder = join(data, 'agent');
const agentCommand = [process.execPath, join(root, 'apps/edge-agent/bin/selvage-agent.js')];
const givenPassword = process.env.SELVAGE_ADMIN_PASSWORD || undefined;
const stopping = new globalThis.AbortController();
/** How this ends: set by the first thing that goes wrong. */
let failure;
let ports;
/** What no log may contain; known once it is set or the hub has made it. */
let secret;
let demo;

const options = optionsOrEnd();
prepare();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stopping.abort());
const hub = service('hub', [process.execPath, join(root, 'apps/cloud/bin/selvage-hub.js')], () => ({
  ...process.env,
  SELVAGE_DATA: data,
  // After a crash it comes back where the agent looks for it, also when the first port was a free one.
  ...(ports && { SELVAGE_HTTP_PORT: String(ports.http), SELVAGE_LINK_PORT: String(ports.link) }),
}));
const agent = service('agent', [...agentCommand, 'run', '--data', agentFolder], () => {
  const given = Object.entries(process.env).filter(([name]) => !OF_THE_HUB.includes(name));
  // Programs of this machine may try the broker without certificates; whoever sets the variable decides otherwise.
  return { SELVAGE_MQTT_PLAIN: '1', ...Object.fromEntries(given), SELVAGE_DATA: agentFolder };
});
const engine = startEngine();
try {
  await start();
  await once(stopping.signal, 'abort');
} catch (error) {
  if (!stopping.signal.aborted) failure = { code: 1, words: error.message };
}
await stop();
if (failure !== undefined) console.error(failure.words);
process.exitCode = failure?.code ?? 0;

async function start() {
  hub.start();
  await until(hubIsUp, { ms: HUB_MS, what: `The hub did not come up; see ${shown(join(data, 'hub.log'))}.` });
  const url = `http://${hostFor(process.env.SELVAGE_HTTP_HOST)}:${ports.http}`;
  hub.ready();
  const state = options.hubOnly ? undefined : await startNode(url);
  if (isNew(passwordFile))
    say(`First start: log in as "admin" with the password ${keptPassword()} – it is kept in ${shown(passwordFile)}.`);
  if (url !== DEFAULT_URL) say(`Log in with: ${loginLine(url)}`);
  say(`Selvage is up at ${url}/${state === undefined ? '' : `; ${state}`}. Ctrl-C stops it.`);
  if (options.demo) await startTheDemo(url);
}

async function startTheDemo(url) {
  const password = givenPassword ?? keptPassword();
  if (password === undefined) throw new Error('The demo needs the password of "admin": set SELVAGE_ADMIN_PASSWORD.');
  const { state } = await engine;
  const { path } = engineSocket(process.env, agentFolder);
  const socket = state === 'running' || state === 'started' ? path : undefined;
  const mqttPort = process.env.SELVAGE_MQTT_PLAIN_PORT || '1883';
  const { signal } = stopping;
  demo = await startDemo({ root, url, password, socket, mqttPort, service, say, signal });
}

/** Starts the agent; gives a few words about how the node is. */
async function startNode(url) {
  const session = await logInto(url);
  await engine;
  const link = { host: hostFor(process.env.SELVAGE_LINK_HOST ?? '0.0.0.0'), port: ports.link };
  const { signal } = stopping;
  const joined = await becomeLocalNode({ agent: agentCommand, folder: agentFolder, link, session, signal });
  if (joined !== undefined) say(joined);
  agent.start();
  const state = session === undefined ? 'node "local" was started' : await nodeState(session);
  agent.ready();
  await session?.logOut();
  return state;
}

/** Waits for the node, but not for ever: what is wrong with it is then said, and it may still come. */
async function nodeState(session) {
  let node;
  const settled = async () => {
    node = await session.node();
    const state = node?.status.state;
    return state === 'disabled' || (state === 'ready' && node.status.facts !== undefined);
  };
  try {
    await until(settled, { ms: NODE_MS, what: 'late' });
  } catch (error) {
    if (error.message !== 'late') throw error;
    const { state, reason = 'no reason given' } = node?.status ?? { state: 'gone' };
    return `node "local" is ${state} (${reason}); see ${shown(join(data, 'agent.log'))}`;
  }
  const { state, facts } = node.status;
  const docker = facts?.docker ?? { state: 'ready' };
  const lacks = docker.state === 'ready' ? '' : `, its Docker engine is ${docker.state.replace('_', ' ')}`;
  return `node "local" is ${state}${lacks}`;
}

/** Logs in with the password that is known; gives undefined when there is none that fits. */
async function logInto(url) {
  const known = [givenPassword, keptPassword()];
  for (const password of new Set(known.filter((one) => one !== undefined))) {
    try {
      return await logIn(url, password);
    } catch (error) {
      if (!(error instanceof Refused) || error.code !== 'wrong_password') throw error;
    }
  }
  const why = `it is neither in ${shown(passwordFile)} nor in SELVAGE_ADMIN_PASSWORD`;
  say(
    `The password of "admin" is not known here (${why}). Hub and node run without it; to see how the node is, log in.`,
  );
  return undefined;
}

/** What to type to log in; at the first start with the password that was made. */
function loginLine(url) {
  const password = isNew(passwordFile) ? ` --password-stdin < ${shown(passwordFile)}` : '';
  return `npx --no selvage login --url ${url}${password}`;
}

async function startEngine() {
  if (options.hubOnly || options.noDocker) return { state: 'left alone', stop: () => undefined };
  const logFile = join(data, 'dockerd.log');
  const socket = engineSocket(process.env, agentFolder);
  const found = await ensureDockerEngine({ install: true, log: say, logFile, socket });
  if (found.state === 'unavailable') say(`No Docker engine: ${found.reason}. Apps cannot run on this machine.`);
  return found;
}

async function stop() {
  stopping.abort();
  await demo?.stop();
  await agent.stop();
  await hub.stop();
  const { state, stop: stopEngine } = await engine;
  await stopEngine();
  if (failure === undefined) say(`Stopped${LEFT_BEHIND[state] ?? ''}.`);
}

/** The hub writes its ports down when it listens; a file that is older is of another run. */
async function hubIsUp() {
  if (!isNew(portsFile)) return false;
  const found = JSON.parse(readFileSync(portsFile, 'utf8'));
  if (!(await isReady(`http://${hostFor(process.env.SELVAGE_HTTP_HOST)}:${found.http}`))) return false;
  ports = found;
  return true;
}

function isNew(file) {
  return existsSync(file) && statSync(file).mtimeMs >= hub.startedAt;
}

/** Where a listener is reached from this machine. */
function hostFor(listens = '127.0.0.1') {
  if (listens === '0.0.0.0') return '127.0.0.1';
  if (listens === '::') return '[::1]';
  return listens.includes(':') ? `[${listens}]` : listens;
}

function keptPassword() {
  return existsSync(passwordFile) ? readFileSync(passwordFile, 'utf8').trim() : undefined;
}

function service(name, command, env) {
  const logFile = join(data, `${name}.log`);
  const failed = (end) => {
    failure ??= { code: end.code === CONFIGURATION ? CONFIGURATION : 1, words: end.words };
    stopping.abort();
  };
  const hidden = () => (secret ??= givenPassword ?? keptPassword());
  return new Service({ name, command, env, cwd: root, logFile, say, secret: hidden, failed });
}

async function until(condition, { ms, what }) {
  const end = Date.now() + ms;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(what);
    await pause(EVERY_MS, undefined, { signal: stopping.signal });
  }
}

function optionsOrEnd() {
  const read = readOptions(process.argv.slice(2), process.env);
  if (read.help) end(0, USAGE);
  if (read.problem !== undefined) end(2, `${read.problem}.\n\n${USAGE}`);
  if (read.forgotten.length > 0)
    say(
      `${read.forgotten.join(' and ')} came by way of npm, and counts; next time: npm start -- ${read.forgotten.join(' ')}`,
    );
  return read;
}

function prepare() {
  for (const step of [() => nodeProblem(), () => installPackagesOf(root, say), () => buildOf(root, say)]) {
    const problem = step();
    if (problem !== undefined) end(1, problem);
  }
  mkdirSync(data, { recursive: true, mode: 0o700 });
}

function end(code, words) {
  (code === 0 ? console.log : console.error)(words.trimEnd());
  process.exit(code);
}

/** A path as it is typed from here. */
function shown(path) {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short;
}

function say(line) {
  console.log(line);
}
