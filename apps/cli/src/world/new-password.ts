import { askHidden } from './prompt.js';
import { readInput } from './reading.js';
import { UsageError } from './usage-error.js';
import type { World } from './world.js';

const MAX_INPUT = 4096;

/**
 * Asks for each of these passwords, the last one twice; or reads them from standard input, a line each.
 * @throws UsageError when they are not there, or differ.
 */
export async function passwordsOf(
  world: World,
  { questions, fromStdin }: { readonly questions: readonly string[]; readonly fromStdin: boolean },
): Promise<string[]> {
  if (fromStdin) {
    const lines = (await readInput(world, MAX_INPUT))?.replace(/\r?\n$/, '').split(/\r?\n/);
    if (lines?.length === questions.length && !lines.includes('')) return lines;
    throw new UsageError(`standard input has to have ${questions.join(' and ')}, a line each`);
  }
  if (world.in.isTTY !== true)
    throw new UsageError('there is no terminal to ask for the password: use --password-stdin');
  const answers: string[] = [];
  for (const question of questions) answers.push(await askHidden(world, `${capitalised(question)}: `));
  const last = questions.at(-1) ?? '';
  if ((await askHidden(world, `${capitalised(last)} again: `)) === answers.at(-1)) return answers;
  throw new UsageError('these were two different passwords; nothing was changed');
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
