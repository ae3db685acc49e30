import { type Labels, labels } from '@selvage/protocol';
import { UsageError } from '../world/index.js';

/**
 * Labels from arguments like `site=a`; the last one of a key counts.
 * @throws UsageError naming the argument that is none.
 */
export function labelArguments(given: readonly string[]): Labels {
  return Object.fromEntries(given.map(pair));
}

/** Changes of labels: `site=a` sets one, `site-` takes it away (null). */
export function labelChanges(given: readonly string[]): Record<string, string | null> {
  return Object.fromEntries(given.map((text) => (isRemoval(text) ? [keyOf(text), null] : pair(text))));
}

function isRemoval(text: string): boolean {
  return text.endsWith('-') && !text.includes('=');
}

function keyOf(text: string): string {
  const key = text.slice(0, -1);
  check(text, { [key]: '' });
  return key;
}

function pair(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at === -1) throw new UsageError(`"${text}" is not a label: write key=value`);
  const [key, value] = [text.slice(0, at), text.slice(at + 1)];
  check(text, { [key]: value });
  return [key, value];
}

function check(text: string, label: Labels): void {
  const issue = labels.safeParse(label).error?.issues[0];
  if (issue === undefined) return;
  // An invalid key reports its own problems one level down.
  const inner = issue.code === 'invalid_key' ? issue.issues[0]?.message : undefined;
  throw new UsageError(`"${text}" is not a label: ${inner ?? issue.message}`);
}
