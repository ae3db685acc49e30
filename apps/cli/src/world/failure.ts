import { EdgeError, toEdgeError } from '@selvage/protocol';
import { CommanderError } from 'commander';
import { Refused } from './refused.js';
import { UsageError } from './usage-error.js';
import type { World } from './world.js';

const REFUSED = 1;
const USAGE = 2;
const UNREACHABLE = 3;
const OTHER_HUB = 'Another hub is named with "selvage login --url URL" or SELVAGE_URL.';

/** Tells why a run failed, on stderr, and gives the exit code: 1 refused, 2 usage, 3 unreachable. */
export async function failed(world: World, thrown: unknown): Promise<number> {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : USAGE;
  if (thrown instanceof UsageError) {
    await world.err.write(`selvage: ${thrown.message}\n`);
    return USAGE;
  }
  if (thrown instanceof Refused) {
    await world.err.write(`selvage: ${thrown.message}.\n`);
    return REFUSED;
  }
  const error = toEdgeError(thrown);
  const isOurs = thrown instanceof EdgeError;
  const isAway = error.code === 'hub_unreachable';
  const detail = isAway ? `${error.detail.replace(/[^.!?]$/, '$&.')} ${OTHER_HUB}` : error.detail;
  await world.err.write(errorText(`selvage: ${isOurs ? error.sentence : 'This is a bug in selvage:'}`, detail));
  return isAway ? UNREACHABLE : REFUSED;
}

/** A sentence and its detail on one line; a detail of several lines goes below, indented. */
export function errorText(sentence: string, detail: string): string {
  const lines = detail.split('\n').filter((line) => line.trim() !== '');
  if (lines.length <= 1) return `${sentence} ${lines[0] ?? ''}`.trimEnd() + '\n';
  return `${[sentence, ...lines.map((line) => `  ${line}`)].join('\n')}\n`;
}
