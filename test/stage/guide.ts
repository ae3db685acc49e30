import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, until } from '@selvage/testkit';
import { expect } from 'vitest';
import { Program, root, run } from './process.js';

interface Block {
  readonly code: string;
  readonly expected: readonly string[];
}

/** What the guide makes its reader do: a block of commands, or Ctrl-C in one of the terminals. */
export type Step =
  | ({ readonly does: 'run' } & Block)
  | ({ readonly does: 'start'; readonly terminal: string } & Block)
  | { readonly does: 'interrupt'; readonly terminal: string };

const DEADLINE_MS = 120_000;
/** Commands that only look: they are repeated until they show what the guide shows. */
const LOOKS = /^(npx --no selvage (get|describe|logs|route dead|endpoint test)|curl|docker ps) /;

interface GuideOptions {
  /** The reader's home, which is a checkout as well. */
  readonly folder: string;
  readonly env: Record<string, string>;
  /** What a test does not do as it is written: a port that may be taken, an image of a public registry. */
  readonly written?: (text: string) => string;
}

/** A reader of a guide, with terminals. */
export class GuideReader {
  readonly #terminals = new Map<string, Program>();
  readonly #exports: string[] = [];
  readonly #written: (text: string) => string;

  constructor(private readonly options: GuideOptions) {
    this.#written = options.written ?? ((text) => text);
    checkout(options.folder);
  }

  async does(step: Step): Promise<void> {
    if (step.does === 'interrupt') {
      expect(this.#terminals.get(step.terminal)?.running).toBe(true);
      await this.#interrupt(step.terminal);
    } else if (step.does === 'start') await this.#start(step.terminal, step);
    else await this.#execute(step);
  }

  async goes(): Promise<void> {
    for (const terminal of [...this.#terminals.keys()].reverse()) await this.#interrupt(terminal);
  }

  async #execute(step: Block): Promise<void> {
    const [commands, expected] = [this.#written(step.code), step.expected.map(this.#written)];
    const script = ['cd "$HOME"', ...this.#exports, commands].join('\n');
    this.#exports.push(...commands.split('\n').filter((line) => line.startsWith('export ')));
    const isLook = step.code.split('\n').every((line) => LOOKS.test(line));
    let last = { code: -1, output: '' };
    const asWritten = async (): Promise<boolean> => {
      last = await run(['bash', '-euo', 'pipefail', '-c', script], this.options.env);
      return !isLook || (last.code === 0 && missing(last.output, expected).length === 0);
    };
    await until(asWritten, { timeoutMs: DEADLINE_MS, everyMs: 500, describe: () => JSON.stringify(last) });
    expect(last).toMatchObject({ code: 0 });
    expect({ missing: missing(last.output, expected), output: last.output }).toMatchObject({ missing: [] });
  }

  /** As in a terminal: a process group of its own, which Ctrl-C reaches as a whole. */
  async #start(terminal: string, step: Block): Promise<void> {
    const [code, expected] = [this.#written(step.code), step.expected.map(this.#written)];
    const program = new Program(terminal, ['setsid', 'bash', '-c', `cd "$HOME"\n${code}`], this.options.env);
    this.#terminals.set(terminal, program);
    program.start();
    await until(() => missing(program.output, expected).length === 0 || !program.running, {
      timeoutMs: DEADLINE_MS,
      describe: () => `${missing(program.output, expected).join('\n')}\nin\n${program.output}`,
    });
    expect({ missing: missing(program.output, expected), output: program.output }).toMatchObject({ missing: [] });
    expect(program.running).toBe(true);
  }

  async #interrupt(terminal: string): Promise<void> {
    const program = this.#terminals.get(terminal);
    if (program?.running !== true) return;
    process.kill(-program.pid, 'SIGINT');
    await program.ended(60_000);
  }
}

/** A hub and a node of their own, on free ports of this machine. */
export async function guideEnvironment(folder: string): Promise<Record<string, string>> {
  const [http, link, api] = await Promise.all([freePort(), freePort(), freePort()]);
  return {
    HOME: folder,
    SELVAGE_DATA: join(folder, '.selvage'),
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
}

/** The blocks of commands with the output that follows them, and the presses of Ctrl-C, in the order of the text. */
export function stepsOf(markdown: string): Step[] {
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

/** What a step is called in a list of tests. */
export function title(step: Step): string {
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
  for (const name of ['apps', 'examples', 'libs', 'node_modules', 'package.json', 'package-lock.json', 'tools'])
    symlinkSync(join(root, name), join(folder, name));
}
