import { once } from 'node:events';
import { createInterface, type ReadLineOptions } from 'node:readline';
import { Writable } from 'node:stream';
import { EdgeError } from '@selvage/protocol';
import { Refused } from './refused.js';
import { UsageError } from './usage-error.js';
import type { World } from './world.js';

/** Asks on the terminal, which itself shows what is typed. */
export function ask(world: World, question: string): Promise<string> {
  return answerTo(world, question, { input: world.in, terminal: false });
}

/** What is to be done, as a question without its end, what was not done after another answer than yes, and whether to ask at all. */
interface Confirmation {
  readonly question: string;
  readonly otherwise: string;
  readonly yes: true | undefined;
}

/** Asks before something that cannot be undone. @throws UsageError without a terminal, Refused after any answer but yes */
export async function confirm(world: World, { question, otherwise, yes }: Confirmation): Promise<void> {
  if (yes) return;
  if (world.in.isTTY !== true) throw new UsageError('there is no terminal to ask on: use --yes');
  const answer = await ask(world, `${question}? [y/N] `);
  if (!/^y(es)?$/i.test(answer.trim())) throw new Refused(otherwise);
}

/** Asks on the terminal and shows nothing of what is typed. */
export async function askHidden(world: World, question: string): Promise<string> {
  const output = new Writable({
    write: (_chunk, _encoding, done) => {
      done();
    },
  });
  const answer = await answerTo(world, question, { input: world.in, output, terminal: true });
  await world.err.write('\n');
  return answer;
}

/** One line of the terminal; Ctrl-C and the end of input cancel. */
async function answerTo(world: World, question: string, from: ReadLineOptions): Promise<string> {
  // Before the question is there: from now on the terminal shows no answer by itself.
  const lines = createInterface(from);
  const stop = new AbortController();
  const cancel = (): void => {
    stop.abort();
  };
  lines.once('SIGINT', cancel);
  lines.once('close', cancel);
  world.signal.addEventListener('abort', cancel);
  try {
    const answered = once(lines, 'line', { signal: stop.signal }) as Promise<[string]>;
    const [[line]] = await Promise.all([answered, world.err.write(question)]);
    return line;
  } catch (error) {
    throw new EdgeError('call_cancelled', 'Nothing was entered.', { cause: error });
  } finally {
    world.signal.removeEventListener('abort', cancel);
    lines.close();
  }
}
