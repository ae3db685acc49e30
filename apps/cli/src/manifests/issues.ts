import { type manifest } from '@selvage/protocol';

type Failure = NonNullable<ReturnType<(typeof manifest)['safeParse']>['error']>;
type Issue = Failure['issues'][number];

/** What is wrong at a path, in words. */
export interface Finding {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** Every problem that a schema found. Of a union that nothing fits, those of the alternative that comes nearest. */
export function findings(issues: readonly Issue[], under: readonly PropertyKey[] = []): Finding[] {
  return issues.flatMap((issue) => findingsOf(issue, [...under, ...issue.path]));
}

function findingsOf(issue: Issue, path: readonly PropertyKey[]): Finding[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ path: [...path, key], message: 'is not known here' }));
  if (issue.code === 'invalid_key' || issue.code === 'invalid_element')
    return issue.issues.map(({ message }) => ({ path, message }));
  if (issue.code !== 'invalid_union') return [{ path, message: worded(issue.message) }];
  const nearest = issue.errors.toSorted((a, b) => weight(a) - weight(b))[0] ?? [];
  return nearest.length === 0 ? [{ path, message: noAlternative(path) }] : findings(nearest, path);
}

/** A missing or unknown key says more surely than a wrong value that another alternative was meant. */
function weight(issues: readonly Issue[]): number {
  return issues.reduce((sum, issue) => sum + (issue.code === 'unrecognized_keys' ? 10 * issue.keys.length : 1), 0);
}

function noAlternative(path: readonly PropertyKey[]): string {
  if (path.at(-1) === 'kind') return 'is not one of App, Client, Device, DeviceModel, Node, Secret';
  return 'is not one of the values that are possible here';
}

function worded(message: string): string {
  const [, expected, received] = /^Invalid input: expected (.+), received (.+)$/.exec(message) ?? [];
  if (received === 'undefined') return 'is missing';
  if (expected === undefined || received === undefined) return message;
  return `must be ${article(expected)}, not ${article(received)}`;
}

const WORDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
  null: 'empty',
};

function article(type: string): string {
  return WORDS[type] ?? type;
}
