import { EdgeError, type Manifest } from '@selvage/protocol';
import type { NounName } from '../arguments/index.js';
import type { World } from '../world/index.js';
import { MAX_PROBLEMS, type Parsed, parseSource, type Placed } from './documents.js';
import { readSources } from './sources.js';

const MAX_DOCUMENTS = 1000;

/** Kinds in the order in which they are applied: what others name comes first. */
const ORDER: readonly Manifest['kind'][] = [
  ...(['Secret', 'Endpoint', 'DeviceModel', 'Node'] as const),
  ...(['Device', 'Client', 'App', 'Route'] as const),
];

/** A manifest and the project that it goes to. */
export type Target = Manifest & { readonly project: string };

/**
 * Reads all manifests of files, folders and standard input (`-`), in the order in which they are to be applied.
 * @throws EdgeError `invalid_manifest` with a line for each problem of all files when there is any.
 */
export async function readManifests(
  world: World,
  { files, project }: { readonly files: readonly string[]; readonly project: string },
): Promise<Target[]> {
  const { sources, problems } = await readSources(world, files);
  const parsed = sources.map(parseSource);
  const documents = parsed.flatMap((one) => one.documents);
  const all = [...problems, ...parsed.flatMap((one: Parsed) => one.problems), ...repeated(documents, project)];
  if (documents.length > MAX_DOCUMENTS)
    all.unshift(`more than ${MAX_DOCUMENTS} documents at once; apply them in parts`);
  if (all.length === 0 && documents.length === 0) all.push(`${files.join(', ')}: no manifest in it`);
  if (all.length > 0) throw new EdgeError('invalid_manifest', ['Nothing was sent.', ...firstOf(all)].join('\n'));
  return documents
    .map(({ manifest }) => ({ ...manifest, project: manifest.project ?? project }))
    .toSorted((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
}

/** Kind of a manifest → noun of the command line. */
export const NOUN_OF = {
  App: 'app',
  Client: 'client',
  Device: 'device',
  DeviceModel: 'device-model',
  Endpoint: 'endpoint',
  Node: 'node',
  Route: 'route',
  Secret: 'secret',
} as const satisfies Record<Manifest['kind'], NounName>;

/** `app/web` */
export function spelledName({ kind, name }: Pick<Manifest, 'kind' | 'name'>): string {
  return `${NOUN_OF[kind]}/${name}`;
}

function firstOf(problems: readonly string[]): string[] {
  const more = problems.length - MAX_PROBLEMS;
  return more > 0 ? [...problems.slice(0, MAX_PROBLEMS), '… and more, when these are mended'] : [...problems];
}

function repeated(documents: readonly Placed[], project: string): string[] {
  const seen = new Map<string, string>();
  return documents.flatMap(({ manifest, where }) => {
    const key = `${manifest.project ?? project} ${spelledName(manifest)}`;
    const first = seen.get(key);
    seen.set(key, first ?? where);
    return first === undefined ? [] : [`${where} name: ${spelledName(manifest)} is in ${first} already`];
  });
}
