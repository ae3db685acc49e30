import { EdgeError, type Endpoint, type ParsedInput } from '@selvage/protocol';

/** What came in, not looked at yet. */
export interface RawInput {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
}

const PARTS = ['params', 'query', 'body'] as const;
const MAX_PROBLEMS = 20;
const MAX_DEPTH = 64;

/**
 * Parses a request by its endpoint's schemas. Unknown keys are refused.
 * @throws EdgeError `bad_request` whose detail has a line `path: problem` for each problem.
 */
export function parseInput(endpoint: Endpoint, raw: RawInput): ParsedInput<Endpoint> {
  const problems: string[] = [];
  const [params, query, body] = PARTS.map((part) => {
    const given = normal(part, raw[part]);
    if (tooDeep(given)) problems.push(`${part}: nested deeper than ${MAX_DEPTH} levels`);
    else if (hasNul(given)) problems.push(`${part}: has a NUL character in it`);
    const parsed = problems.length > 0 ? undefined : endpoint[part].safeParse(given);
    if (parsed?.error)
      problems.push(...parsed.error.issues.map(({ path, message }) => `${where(part, path)}: ${message}`));
    return parsed?.data;
  });
  if (problems.length > 0) throw new EdgeError('bad_request', problems.slice(0, MAX_PROBLEMS).join('\n'));
  return { params, query, body };
}

/** Fastify gives objects without a prototype for queries, and null for a body that is not there. */
function normal(part: (typeof PARTS)[number], given: unknown): unknown {
  if (part === 'body') return given ?? undefined;
  return given === undefined || given === null ? {} : { ...given };
}

function where(part: string, path: readonly PropertyKey[]): string {
  const inside = path.map(String).join('.');
  if (part !== 'body') return inside || part;
  return inside || 'body';
}

function tooDeep(value: unknown, level = 0): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return level > MAX_DEPTH || Object.values(value).some((inner) => tooDeep(inner, level + 1));
}

/** No name or text of ours has one, and PostgreSQL stores none. */
function hasNul(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('\0');
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([key, inner]) => key.includes('\0') || hasNul(inner));
}
