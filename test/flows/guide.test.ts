import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, pushImage, type Registry, startRegistry, tempDir, until } from '@selvage/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { docker } from '../stage/containers.js';
import { guideEnvironment, GuideReader, stepsOf, title } from '../stage/guide.js';
import { root } from '../stage/process.js';

const GUIDE = join(root, 'docs', 'first-node-and-app.md');
const DEADLINE_MS = 120_000;
/** The line of the guide that a test without a public registry answers in its own way. */
const CHOICE = /^export IMAGE=\S+ PORT=\d+$/m;
/** Behaves as the guide's image does, as far as the guide looks. */
const SCRIPT = `trap "exit 0" TERM
echo '<h1>Welcome to nginx!</h1>' > /index.html
echo '/docker-entrypoint.sh: Configuration complete; ready for start up'
httpd -f -p 80 -h / & wait $!`;

describe('the guide "your first node and app"', () => {
  const folder = tempDir();
  let reader: GuideReader;
  let registry: Registry;
  let linkPort: string;
  /** How the labels of this hub's containers begin. */
  let label: string | undefined;

  beforeAll(async () => {
    registry = await startRegistry();
    const image = await pushImage(registry, { name: 'nginx', tag: '1.27', script: SCRIPT });
    const choice = `export IMAGE=${image} PORT=${await freePort()}`;
    const env = await guideEnvironment(folder.path);
    linkPort = env.SELVAGE_LINK_PORT ?? '';
    reader = new GuideReader({ folder: folder.path, env, written: (text) => text.replace(CHOICE, choice) });
  });
  afterAll(async () => {
    await reader.goes();
    for (const id of await containersLeft()) await docker.getContainer(id).remove({ force: true });
    await registry.stop();
    folder.remove();
  });

  it.each(stepsOf(readFileSync(GUIDE, 'utf8')).map((step) => [title(step), step] as const))('%s', async (_, step) => {
    // Nobody is that quick: the agent of `npm start` has removed what was deleted.
    if (step.does === 'interrupt' && step.terminal === 'terminal-1')
      await until(async () => (await containersLeft()).length === 0, { timeoutMs: DEADLINE_MS });
    await reader.does(step);
    if (step.does === 'start') label ??= await nodeLabel(linkPort);
    expect(label).toBeDefined();
  });

  /** Containers of this hub's nodes that are on the engine, running or not. */
  async function containersLeft(): Promise<string[]> {
    const all = await docker.listContainers({ all: true });
    const ours = all.filter(({ Labels }) => label !== undefined && Labels['io.selvage.node']?.startsWith(label));
    return ours.map(({ Id }) => Id);
  }
});

/** How the labels of this hub's containers begin; undefined when there is no hub any more. */
async function nodeLabel(linkPort: string): Promise<string | undefined> {
  const answer = await fetch(`http://127.0.0.1:${linkPort}/ca.pem`).catch(() => undefined);
  if (answer === undefined) return undefined;
  const hash = new X509Certificate(await answer.text()).fingerprint256.replaceAll(':', '').toLowerCase();
  return `${hash.slice(0, 16)}/`;
}
