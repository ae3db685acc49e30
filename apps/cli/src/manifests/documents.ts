import { type Manifest, manifest } from '@selvage/protocol';
import { type Document, LineCounter, parseAllDocuments } from 'yaml';
import { findings } from './issues.js';
import { type Place, Positions } from './positions.js';
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
const MAX_PROBLEMS = 100;

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
  }
  return { documents, problems: problems.slice(0, MAX_PROBLEMS) };
}

function parseYaml(text: string, lineCounter: LineCounter): Document.Parsed[] | string {
  try {
    const documents = parseAllDocuments(text, { lineCounter, prettyErrors: false, logLevel: 'silent' });
    return 'empty' in documents ? [] : documents;
  } catch (error) {
    if (error instanceof RangeError) return 'nested too deeply';
    throw error;
  }
}

function read(document: Document.Parsed, positions: Positions, file: string): Parsed {
  const line = ({ line, column }: Place, problem: string): string => `${file}:${line}:${column} ${problem}`;
  const broken = [...document.errors, ...document.warnings];
  if (broken.length > 0)
    return { documents: [], problems: broken.map(({ pos, message }) => line(positions.at(pos[0]), message)) };
  const value = valueOf(document);
  if ('problem' in value) return { documents: [], problems: [line(positions.of([]), value.problem)] };
  if (value.value === null) return { documents: [], problems: [] };
  const checked = manifest.safeParse(value.value);
  if (checked.success) {
    const place = positions.of([]);
    return { documents: [{ manifest: checked.data, where: line(place, '').trimEnd() }], problems: [] };
  }
  const problems = findings(checked.error.issues).map(({ path, message }) =>
    line(positions.of(path), `${spelled(path)}: ${message}`),
  );
  return { documents: [], problems };
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
