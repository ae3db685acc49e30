/** Makes the machine of `npm start` the node `local` of project `default`, by the same join as every other node. Plain Node. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashesIn, rootHashAt } from './hub-calls.mjs';

const JOIN_MS = 60_000;

/**
 * Joins, unless this machine is that node already.
 * @param {object} place `agent`: command of the agent; `folder`: its data; `link`: host and port of the hub's TLS port;
 *   `session`: of `logIn`, undefined when nobody could log in.
 * @returns {Promise<string | undefined>} a line about what was done; undefined when nothing was
 */
export async function becomeLocalNode({ agent, folder, link, session, signal }) {
  const identity = readIdentity(folder);
  const hubUrl = new URL(`https://${link.host}:${link.port}`).origin;
  const root = await rootHashAt(link.host, link.port);
  const reason = reasonToJoin({ identity, hubUrl, root, node: await session?.node(), asked: session !== undefined });
  if (reason === undefined) return undefined;
  if (session === undefined)
    throw new Error(`This machine is no node yet (${reason}), and joining needs the password of "admin".`);
  const token = await session.joinToken();
  const force = identity === undefined ? [] : ['--force'];
  await run([...agent, 'join', '--hub', hubUrl, '--token', token, '--data', folder, ...force], signal);
  const because = identity === undefined ? '' : `, since ${reason}`;
  return `This machine joined as node "local" of project "default"${because}.`;
}

/**
 * Why this machine has to join, in words; undefined when it is the node already. A certificate that was revoked is no reason: somebody
 * wanted that.
 */
export function reasonToJoin({ identity, hubUrl, root, node, asked }) {
  if (identity === undefined) return 'it had not joined before';
  if (identity.project !== 'default' || identity.node !== 'local') return undefined;
  if (!hashesIn(identity.ca).includes(root)) return 'it had joined another hub';
  if (identity.hubUrl !== hubUrl) return `the hub is at ${hubUrl} now`;
  if (asked && node === undefined) return 'the hub knew no such node';
  return undefined;
}

function readIdentity(folder) {
  const file = join(folder, 'identity.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}

function run([program, ...args], signal) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: JOIN_MS, signal });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code, how) => {
      if (code === 0) resolve();
      else reject(new Error(`Joining failed (${code ?? how}): ${said.trim()}`));
    });
  });
}
