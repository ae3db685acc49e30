import { X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, pushImage, type Registry, startRegistry, tempDir, until } from '@selvage/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { docker } from '../stage/containers.js';
import { Program, root, run } from '../stage/process.js';

/** What the guide makes its reader do: a block of commands, or Ctrl-C in one of the terminals. */
type Step =
  | { readonly does: 'run'; readonly code: string; readonly expected: readonly string[] }
  | { readonly does: 'start'; readonly terminal: string; readonly code: string; readonly expected: readonly string[] }
  | { readonly does: 'interrupt'; readonly terminal: string };

const GUIDE = join(root, 'docs', 'first-node-and-app.md');
const DEADLINE_MS = 120_000;
/** Commands that only look: they are repeated until they show what the guide shows. */
const LOOKS = /^(npx --no selvage (get|describe|logs)|curl|docker ps) /;
/** The line of the guide that a test without a public registry answers in its own way. */
const CHOICE = /^export IMAGE=\S+ PORT=\d+$/m;
/** Behaves as the guide's image does, as far as the guide looks. */
const SCRIPT = `trap "exit 0" TERM
echo '<h1>Welcome to nginx!</h1>' > /index.html
echo '/docker-entrypoint.sh: Configuration complete; ready for start up'
httpd -f -p 80 -h / & wait $!`;

describe('the guide "your first node and app"', () => {
  const folder = tempDir();
  const terminals = new Map<string, Program>();
  const exports: string[] = [];
  let registry: Registry;
  let choice: string;
  let linkPort: number;
  /** How the labels of this hub's containers begin. */
  let label: string | undefined;
  let env: Record<string, string>;

  beforeAll(async () => {
    checkout(folder.path);
    registry = await startRegistry();
    const image = await pushImage(registry, { name: 'nginx', tag: '1.27', script: SCRIPT });
    const [http, link, api, port] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
    linkPort = link;
    choice = `export IMAGE=${image} PORT=${port}`;
    env = {
      HOME: folder.path,
      SELVAGE_DATA: join(folder.path, '.selvage'),
      SELVAGE_URL: `http://127.0.0.1:${http}`,
      SELVAGE_HTTP_PORT: String(http),
      SELVAGE_LINK_HOST: '127.0.0.1',
      SELVAGE_LINK_PORT: String(link),
      SELVAGE_API_PORT: String(api),
      SELVAGE_MQTT_PORT: '0',
      SELVAGE_MQTT_WEBSOCKET_PORT: '0',
      SELVAGE_HEARTBEAT_SECONDS: '2',
      NPM_CONFIG_UPDATE_NOTIFIER: 'false',
    };
  });
  afterAll(async () => {
    for (const terminal of terminals.keys()) await interrupt(terminal);
    for (const id of await containersLeft()) await docker.getContainer(id).remove({ force: true });
    await registry.stop();
    folder.remove();
  });

  it.each(stepsOf(readFileSync(GUIDE, 'utf8')).map((step) => [title(step), step] as const))('%s', async (_, step) => {
    if (step.does === 'interrupt') {
      // Nobody is that quick: the agent of `npm start` has removed what was deleted.
      expect(terminals.get(step.terminal)?.running).toBe(true);
      if (step.terminal === 'terminal-1')
        await until(async () => (await containersLeft()).length === 0, { timeoutMs: DEADLINE_MS });
      await interrupt(step.terminal);
    } else if (step.does === 'start') await start(step.terminal, step);
    else await execute(step);
  });

  async function execute({ code, expected }: { code: string; expected: readonly string[] }): Promise<void> {
    const commands = code.replace(CHOICE, choice);
    const script = ['cd "$HOME"', ...exports, commands].join('\n');
    exports.push(...commands.split('\n').filter((line) => line.startsWith('export ')));
    const isLook = code.split('\n').every((line) => LOOKS.test(line));
    let last = { code: -1, output: '' };
    const asWritten = async (): Promise<boolean> => {
      last = await run(['bash', '-euo', 'pipefail', '-c', script], env);
      return !isLook || (last.code === 0 && missing(last.output, expected).length === 0);
    };
    await until(asWritten, { timeoutMs: DEADLINE_MS, everyMs: 500, describe: () => JSON.stringify(last) });
    expect(last).toMatchObject({ code: 0 });
    expect({ missing: missing(last.output, expected), output: last.output }).toMatchObject({ missing: [] });
  }

  /** As in a terminal: a process group of its own, which Ctrl-C reaches as a whole. */
  async function start(terminal: string, { code, expected }: { code: string; expected: readonly string[] }) {
    const program = new Program(terminal, ['setsid', 'bash', '-c', `cd "$HOME"\n${code}`], env);
    terminals.set(terminal, program);
    program.start();
    await until(() => missing(program.output, expected).length === 0 || !program.running, {
      timeoutMs: DEADLINE_MS,
      describe: () => `${missing(program.output, expected).join('\n')}\nin\n${program.output}`,
    });
    expect({ missing: missing(program.output, expected), output: program.output }).toMatchObject({ missing: [] });
    expect(program.running).toBe(true);
    label ??= await nodeLabel(linkPort);
  }

  /** Containers of this hub's nodes that are on the engine, running or not. */
  async function containersLeft(): Promise<string[]> {
    const all = await docker.listContainers({ all: true });
    const ours = all.filter(({ Labels }) => label !== undefined && Labels['io.selvage.node']?.startsWith(label));
    return ours.map(({ Id }) => Id);
  }

  async function interrupt(terminal: string): Promise<void> {
    const program = terminals.get(terminal);
    if (program?.running !== true) return;
    process.kill(-program.pid, 'SIGINT');
    await program.ended(60_000);
  }
});

/** The blocks of commands with the output that follows them, and the presses of Ctrl-C, in the order of the text. */
function stepsOf(markdown: string): Step[] {
  const parts = markdown.matchAll(/^```(\w+) ?([\w-]*)\n([\s\S]*?)^```$|\*\*Ctrl-C\*\* in\s+(terminal) (\d)/gm);
  const steps: Step[] = [];
  for (const [, language, terminal = '', text = '', word, number] of parts) {
    const last = steps.at(-1);
    const lines = text.trimEnd();
    if (word !== undefined) steps.push({ does: 'interrupt', terminal: `${word}-${number ?? ''}` });
    else if (language === 'sh' && terminal !== '') steps.push({ does: 'start', terminal, code: lines, expected: [] });
    else if (language === 'sh') steps.push({ does: 'run', code: lines, expected: [] });
    else if (language === 'text' && last !== undefined && last.does !== 'interrupt')
      steps[steps.length - 1] = { ...last, expected: lines.split('\n') };
  }
  return steps;
}

function title(step: Step): string {
  if (step.does === 'interrupt') return `Ctrl-C in ${step.terminal}`;
  const lines = step.code.split('\n').filter((line) => /^[a-zA-Z_]+[ =]\S/.test(line) && !/^ |^kind|^name/.test(line));
  return lines.join('; ').replaceAll('%', '%%');
}

/** Lines of the guide that the output has nowhere. Blanks count as one, `…` stands for anything. */
function missing(output: string, expected: readonly string[]): string[] {
  const lines = output.split('\n');
  const patterns = expected.map((line) => {
    const words = line.trim().split(/\s+/);
    const escaped = words.map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`).replaceAll('…', '.*'));
    return new RegExp(`^\\s*${escaped.join(String.raw`\s+`)}\\s*$`);
  });
  return expected.filter((_, index) => !lines.some((line) => patterns[index]?.test(line)));
}

/** A folder that is this checkout, but for what the guide writes. */
function checkout(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const name of ['apps', 'libs', 'node_modules', 'package.json', 'package-lock.json', 'tools'])
    symlinkSync(join(root, name), join(folder, name));
}

/** How the labels of this hub's containers begin; undefined when there is no hub any more. */
async function nodeLabel(linkPort: number): Promise<string | undefined> {
  const answer = await fetch(`http://127.0.0.1:${linkPort}/ca.pem`).catch(() => undefined);
  if (answer === undefined) return undefined;
  const hash = new X509Certificate(await answer.text()).fingerprint256.replaceAll(':', '').toLowerCase();
  return `${hash.slice(0, 16)}/`;
}
