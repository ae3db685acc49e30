import { type Manifest, manifest } from '@selvage/protocol';
import { type Document, LineCounter, parseAllDocuments } from 'yaml';
import { findings } from './issues.js';
import { type Place, Positions } from './positions.js';
import { repeatedKeys } from './repeated-keys.js';
import type { Source } from './sources.js';

/** A document that is fine, and where it begins. */
export interface Placed {
  readonly manifest: Manifest;
  /** `file:LINE:COL` */
  readonly where: string;
}

/** The documents of a file, and a line `file:LINE:COL path: problem` for each problem. */
export interface Parsed {
  readonly documents: readonly Placed[];
  readonly problems: readonly string[];
}

/** How often aliases may repeat what they name: a bound on "billion laughs". */
const MAX_ALIASES = 100;
/** So many problems are told at once. */
export const MAX_PROBLEMS = 100;
const ENOUGH = MAX_PROBLEMS + 1;

/** Reads all documents of a file. Documents with nothing in them are passed over. */
export function parseSource({ file, text }: Source): Parsed {
  const lines = new LineCounter();
  const parsed = parseYaml(text, lines);
  if (typeof parsed === 'string') return { documents: [], problems: [`${file}:1:1 ${parsed}`] };
  const documents: Placed[] = [];
  const problems: string[] = [];
  for (const document of parsed) {
    const one = read(document, new Positions(document, lines), file);
    documents.push(...one.documents);
    problems.push(...one.problems);
    if (problems.length >= ENOUGH) break;
  }
  return { documents, problems };
}

function parseYaml(text: string, lineCounter: LineCounter): Document.Parsed[] | string {
  try {
    const options = { lineCounter, uniqueKeys: false, prettyErrors: false, logLevel: 'silent' } as const;
    const documents = parseAllDocuments(text, options);
    return 'empty' in documents ? [] : documents;
  } catch (error) {
    if (error instanceof RangeError) return 'nested too deeply';
    throw error;
  }
}

/** A problem; where it stands is looked for only when it is told. */
interface Fault {
  readonly place: () => Place;
  readonly problem: string;
}

function read(document: Document.Parsed, positions: Positions, file: string): Parsed {
  const start = (): Place => positions.of([]);
  const bad = (faults: readonly Fault[]): Parsed => ({ documents: [], problems: told(faults, file) });
  const at = (offset: number, problem: string): Fault => ({ place: () => positions.at(offset), problem });
  const broken = [...document.errors, ...document.warnings];
  if (broken.length > 0) return bad(broken.map(({ pos, message }) => at(pos[0], message)));
  const value = valueOf(document);
  if ('problem' in value) return bad([{ place: start, problem: value.problem }]);
  const twice = repeatedKeys(document);
  if (twice.length > 0) return bad(twice.map(({ key, offset }) => at(offset, `${key}: is there already`)));
  if (value.value === null) return bad([]);
  const checked = manifest.safeParse(value.value);
  if (checked.success)
    return { documents: [{ manifest: checked.data, where: spelledPlace(start(), file) }], problems: [] };
  return bad(
    findings(checked.error.issues).map(({ path, message }) => ({
      place: () => positions.of(path),
      problem: `${spelled(path)}: ${message}`,
    })),
  );
}

function told(faults: readonly Fault[], file: string): string[] {
  return faults.slice(0, ENOUGH).map(({ place, problem }) => `${spelledPlace(place(), file)} ${problem}`);
}

function spelledPlace({ line, column }: Place, file: string): string {
  return `${file}:${line}:${column}`;
}

/** The document as plain data. Aliases that repeat too much, or name nothing, are a problem. */
function valueOf(document: Document.Parsed): { value: unknown } | { problem: string } {
  try {
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    return { value };
  } catch (error) {
    if (error instanceof ReferenceError) return { problem: `aliases (*name) that repeat too much: ${error.message}` };
    if (error instanceof RangeError) return { problem: 'nested too deeply' };
    throw error;
  }
}

/** `spec.containers[0].image` */
function spelled(path: readonly PropertyKey[]): string {
  const text = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('');
  return text.replace(/^\./, '') || 'document';
}
