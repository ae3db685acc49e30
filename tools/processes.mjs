/** A program that `npm start` looks after: started, written down, started again when it dies, stopped. Plain Node. */
import { spawn } from 'node:child_process';
import { createWriteStream, existsSync, renameSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline';

const MAX_LOG_BYTES = 10 * 1024 * 1024;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
/** Who ran this long starts with a short pause again. */
const STEADY_MS = 60_000;
/** Longer than hub and agent give themselves. */
const STOP_MS = 11_000;
const KEPT_LINES = 50;
const WARN = 40;
/** Exit code for "the configuration has to be changed": starting again is of no use. */
export const CONFIGURATION = 78;

/**
 * @typedef {object} ServiceOptions
 * @property {string} name what it is called on the terminal
 * @property {readonly string[]} command
 * @property {() => Record<string, string | undefined>} env asked at each start
 * @property {string} cwd
 * @property {string} logFile everything that it says goes here
 * @property {(line: string) => void} say a line for the terminal
 * @property {() => string | undefined} what is written nowhere: `…` stands for it
 * @property {(end: { code: number, words: string }) => void} failed it ended before it was ready, or for good
 */

/** One child process that is kept running. Until `ready` is called, its plain lines are held back and an end is a failure. */
export class Service {
  #options;
  #log;
  #child;
  #ready = false;
  #stopping = false;
  #lastWords = [];
  #pause = FIRST_PAUSE_MS;
  #startedAt = 0;
  #timer;

  /** @param {ServiceOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** When it was started last, epoch milliseconds. */
  get startedAt() {
    return this.#startedAt;
  }

  start() {
    this.#log ??= openLog(this.#options.logFile);
    const [program, ...args] = this.#options.command;
    this.#lastWords = [];
    this.#startedAt = Date.now();
    // A group of its own: Ctrl-C on the terminal reaches us alone, and we stop it in order.
    const child = spawn(program, args, {
      cwd: this.#options.cwd,
      env: this.#options.env(),
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream, crlfDelay: Infinity }).on('line', (line) => this.#take(line));
    child.once('error', (error) => this.#take(error.message));
    child.once('close', (code, signal) => this.#ended(code, signal));
  }

  /** From now on its plain lines are shown, and it is started again when it dies. */
  ready() {
    this.#ready = true;
    this.#lastWords = [];
  }

  async stop() {
    this.#stopping = true;
    clearTimeout(this.#timer);
    const child = this.#child;
    if (child !== undefined && isRunning(child)) {
      const gone = new Promise((resolve) => child.once('close', resolve));
      child.kill('SIGTERM');
      const kill = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      await gone;
      clearTimeout(kill);
    }
    const log = this.#log;
    this.#log = undefined;
    if (log !== undefined) await new Promise((resolve) => log.end(resolve));
  }

  #take(said) {
    const secret = this.#options.secret();
    const line = secret === undefined ? said : said.replaceAll(secret, '…');
    this.#log?.write(`${line}\n`);
    if (this.#stopping) return;
    const { isPlain, text } = forTerminal(line);
    if (text === undefined) return;
    if (isPlain) this.#lastWords = [...this.#lastWords, text].slice(-KEPT_LINES);
    if (!isPlain || this.#ready) this.#options.say(`${this.#options.name}: ${text}`);
  }

  #ended(code, signal) {
    if (this.#stopping) return;
    const { name, say, failed } = this.#options;
    const how = code === null ? `was ended by ${signal}` : `ended with code ${code}`;
    if (!this.#ready || code === CONFIGURATION) {
      failed({ code: code ?? 1, words: [`The ${name} ${how}.`, ...this.#lastWords].join('\n') });
      return;
    }
    if (Date.now() - this.#startedAt > STEADY_MS) this.#pause = FIRST_PAUSE_MS;
    say(`The ${name} ${how}; it starts again in ${this.#pause / 1000} s. Its log: ${this.#options.logFile}`);
    this.#timer = setTimeout(() => this.start(), this.#pause);
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_MS);
  }
}

/** What of a line is for the terminal: warnings and worse of a structured log, and lines that are not of it. */
export function forTerminal(line) {
  if (!line.startsWith('{')) return { isPlain: true, text: line };
  try {
    const { level, msg, reason, err } = JSON.parse(line);
    if (typeof level !== 'number') return { isPlain: true, text: line };
    if (level < WARN) return { isPlain: false };
    const why = reason ?? err?.message;
    return { isPlain: false, text: why === undefined || why === msg ? msg : `${msg} (${why})` };
  } catch (error) {
    if (error instanceof SyntaxError) return { isPlain: true, text: line };
    throw error;
  }
}

/** Opens a log for appending; one that has grown large becomes `….1` first, in place of the one before. */
function openLog(file) {
  if (existsSync(file) && statSync(file).size > MAX_LOG_BYTES) renameSync(file, `${file}.1`);
  return createWriteStream(file, { flags: 'a', mode: 0o600 });
}

function isRunning(child) {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}
