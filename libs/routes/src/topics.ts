import { EdgeError } from '@selvage/protocol';

/** What the wildcards of a filter stood for: `1`, `2` … for each `+`, `rest` for `#`. */
export type Captures = Readonly<Record<string, string>>;

const MAX_LEVELS = 32;

/** What a filter's wildcards stand for in a topic; undefined when the topic does not fit [MQTT-4.7]. */
export function matchTopic(filter: string, topic: string): Captures | undefined {
  if (topic.startsWith('$') !== filter.startsWith('$')) return undefined;
  const [wanted, levels] = [filter.split('/'), topic.split('/')];
  const captures: Record<string, string> = {};
  let plus = 0;
  for (const [at, level] of wanted.entries()) {
    if (level === '#') return { ...captures, rest: levels.slice(at).join('/') };
    const there = levels[at];
    if (there === undefined || (level !== '+' && level !== there)) return undefined;
    if (level === '+') captures[String((plus += 1))] = there;
  }
  return wanted.length === levels.length ? captures : undefined;
}

/**
 * Orders filters that fit one topic, the more exact first: at the first level where they differ, a literal goes before `+`, and `+`
 * before `#`. Filters of equal rank are in order of their text, so that the order is always the same.
 */
export function byExactness(a: string, b: string): number {
  const [left, right] = [a.split('/'), b.split('/')];
  for (let at = 0; at < Math.max(left.length, right.length); at += 1) {
    const difference = rank(left[at]) - rank(right[at]);
    if (difference !== 0) return difference;
  }
  return a < b ? -1 : a > b ? 1 : 0;
}

function rank(level: string | undefined): number {
  if (level === '#') return 2;
  return level === '+' ? 1 : 0;
}

/**
 * The topic filter of a route, whole: `user/…` and the placeholders `{project}` and `{node}` filled in.
 * @throws EdgeError `bad_request` with the place in the text.
 */
export function wholeFilter(text: string, { project, node }: { project: string; node: string }): string {
  const long = text === 'user' || text.startsWith('user/') ? `{project}/nodes/{node}/${text}` : text;
  const filter = long.replaceAll('{project}', project).replaceAll('{node}', node);
  const problem = filterProblem(filter);
  if (problem !== undefined) throw new EdgeError('bad_request', `topic: ${problem}`);
  return filter;
}

function filterProblem(filter: string): string | undefined {
  const levels = filter.split('/');
  if (levels.length > MAX_LEVELS) return `a topic filter has at most ${MAX_LEVELS} levels`;
  if (levels[0] === '$share' || levels[0] === '$SYS') return `${levels[0]} is not for routes`;
  if (filter.includes('\0')) return 'it has a NUL character';
  let at = 0;
  for (const [index, level] of levels.entries()) {
    if (level.includes('#') && (level !== '#' || index < levels.length - 1))
      return `# stands alone and is the last level (character ${at + level.indexOf('#') + 1})`;
    if (level.includes('+') && level !== '+') return `+ stands alone in its level (character ${at + 1})`;
    if (/[{}]/.test(level)) return `only {project} and {node} may stand here (character ${at + 1})`;
    at += level.length + 1;
  }
  return undefined;
}
