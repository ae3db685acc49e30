import { toEdgeError } from '@selvage/protocol';
import { linked } from '@selvage/reconcile';
import type { Noun } from '../nouns/index.js';
import { columnsOf, type Format, jsonLine, tableLines, text, yaml } from '../output/index.js';
import { type Session, Trouble, whenPoked, type World } from '../world/index.js';

export interface Watched<T> {
  readonly noun: Noun<T>;
  readonly session: Session;
  /** What was shown so far. */
  readonly items: readonly T[];
  readonly read: () => Promise<readonly T[]>;
  readonly format: Format;
}

/** Shows each object again that changed, until Ctrl-C. */
export async function watch<T>(world: World, watched: Watched<T>): Promise<void> {
  const trouble = new Trouble(world);
  let before = faces(watched, watched.items);
  const look = async (): Promise<boolean> => {
    const items = await readAgain(watched, trouble);
    if (items === undefined) return true;
    await trouble.isOver();
    const after = faces(watched, items);
    await world.out.write(
      shown(world, watched, { items, ...differences({ before, after }), isFirst: before.size === 0 }),
    );
    before = after;
    return true;
  };
  const { signal, end } = linked([world.signal, world.out.gone]);
  await whenPoked(world, watched.session, { noun: watched.noun.live ?? '', signal, look });
  end();
}

type Faces = ReadonlyMap<string, string>;

/** Names of those that are new or look different, and of those that are gone. */
function differences({ before, after }: { before: Faces; after: Faces }): { changed: Set<string>; gone: string[] } {
  const changed = [...after].filter(([name, face]) => before.get(name) !== face).map(([name]) => name);
  return { changed: new Set(changed), gone: [...before.keys()].filter((name) => !after.has(name)) };
}

/** The list as it is now; undefined when it could not be read this time. A single object that is gone is an empty list. */
async function readAgain<T>({ read }: Watched<T>, trouble: Trouble): Promise<readonly T[] | undefined> {
  try {
    return await read();
  } catch (thrown) {
    const { code } = toEdgeError(thrown);
    if (code === 'not_found') return [];
    if (code !== 'call_cancelled') await trouble.begins(thrown);
    return undefined;
  }
}

/** Name → what is seen of an object apart from the passing of time. */
function faces<T>({ noun, format }: Watched<T>, items: readonly T[]): Map<string, string> {
  const lasting = columnsOf(noun.columns, format).filter(({ ticking }) => ticking !== true);
  const face = (item: T): string =>
    format === 'json' || format === 'yaml' ? JSON.stringify(item) : lasting.map(({ of }) => of(item, 0)).join('\t');
  return new Map(items.map((item) => [noun.nameOf(item), face(item)]));
}

interface Changed<T> {
  readonly items: readonly T[];
  readonly changed: ReadonlySet<string>;
  readonly gone: readonly string[];
  /** Nothing was shown before, so that the columns need their titles. */
  readonly isFirst: boolean;
}

function shown<T>(world: World, { noun, format }: Watched<T>, { items, changed, gone, isFirst }: Changed<T>): string {
  const isChanged = (item: T): boolean => changed.has(noun.nameOf(item));
  const lost = gone.map((name) => `${noun.noun}/${name} deleted\n`).join('');
  const own = items.filter(isChanged);
  if (format === 'json') return own.map(jsonLine).join('');
  if (format === 'yaml') return own.map((item) => `---\n${yaml(item)}`).join('');
  if (format === 'name') return own.map((item) => `${noun.noun}/${noun.nameOf(item)}\n`).join('') + lost;
  const [titles = '', ...lines] = tableLines(columnsOf(noun.columns, format), items, world.now());
  const rows = lines.filter((_line, index) => items.slice(index, index + 1).some(isChanged));
  return text(isFirst && rows.length > 0 ? [titles, ...rows] : rows) + lost;
}
