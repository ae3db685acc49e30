import { type Command, InvalidArgumentError } from 'commander';
import type { World } from './world.js';

/** Adds a verb, or a group of verbs, to a command. */
export type Register = (parent: Command, world: World) => void;

/** Adds `-p` to a verb whose objects live in a project. */
export function inProject(command: Command): Command {
  return command.option('-p, --project <name>', 'project; without it the one of "selvage login", or "default"');
}

/** Options of every verb that is about a project. */
export interface ProjectOptions {
  readonly project?: string;
}

/** Adds examples below the help text of a verb. */
export function examples(command: Command, lines: readonly string[]): Command {
  return command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`);
}

const MAX_REPEATS = 1000;

/** For options that may be given several times. */
export function collect(value: string, before: string[] = []): string[] {
  if (before.length >= MAX_REPEATS) throw new InvalidArgumentError(`It may be given ${MAX_REPEATS} times at most.`);
  before.push(value);
  return before;
}
