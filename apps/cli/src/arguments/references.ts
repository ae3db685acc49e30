import { name } from '@selvage/protocol';
import { UsageError } from '../world/index.js';

/** Noun of the API → the words for it on the command line, the first one in messages. */
const NOUNS = {
  node: ['node', 'nodes'],
  app: ['app', 'apps'],
  secret: ['secret', 'secrets'],
  device: ['device', 'devices'],
  'device-model': ['device-model', 'device-models', 'model', 'models'],
  client: ['client', 'clients'],
  endpoint: ['endpoint', 'endpoints'],
  route: ['route', 'routes'],
  project: ['project', 'projects'],
  certificate: ['certificate', 'certificates', 'cert', 'certs'],
  token: ['token', 'tokens'],
  audit: ['audit'],
} as const;
export type NounName = keyof typeof NOUNS;

/** An object by noun and name, `app/web`. */
export interface Reference<N extends NounName = NounName> {
  readonly noun: N;
  readonly name: string;
}

/**
 * The noun that a word means, out of those that are possible here.
 * @throws UsageError naming the possible ones.
 */
export function nounOf<N extends NounName>(word: string, possible: readonly N[]): N {
  const found = possible.find((noun) => NOUNS[noun].some((known) => known === word.toLowerCase()));
  if (found === undefined) throw new UsageError(`"${word}" is not one of ${possible.join(', ')}`);
  return found;
}

/** Reads `app/web`, or `app` and `web` as two arguments. */
export function referenceOf<N extends NounName>(given: readonly string[], possible: readonly N[]): Reference<N> {
  const [word = '', second, ...rest] = given.flatMap((text) => text.split('/'));
  if (second === undefined || second === '' || rest.length > 0) throw new UsageError(incomplete(word, possible));
  return { noun: nounOf(word, possible), name: nameArgument(second) };
}

/** The name of an object where only one noun is possible: `app/web`, `app` and `web` as two arguments, or `web`. */
export function nameOf(given: readonly string[], noun: NounName): string {
  const isBare = given.length === 1 && given[0]?.includes('/') === false;
  return referenceOf(isBare ? [noun, ...given] : given, [noun]).name;
}

function incomplete(word: string, possible: readonly NounName[]): string {
  const [usual = 'app'] = possible;
  if (word === '' || Object.values<readonly string[]>(NOUNS).some((words) => words.includes(word.toLowerCase())))
    return `name one object: ${usual}/NAME`;
  return `"${word}" does not say what it is: name it as ${possible.includes('app') ? 'app' : usual}/${word}, for instance`;
}

/** Reads `app/web/container`, `app/web`, `web/container` or `web`. */
export function containerOf(text: string): { readonly app: string; readonly container?: string } {
  const parts = text.split('/');
  const isNamed = parts.length > 1 && (parts[0] === 'app' || parts[0] === 'apps');
  const [app = '', container, ...rest] = isNamed ? parts.slice(1) : parts;
  if (rest.length > 0) throw new UsageError(`"${text}" is not an app: write app/NAME or app/NAME/CONTAINER`);
  return { app: nameArgument(app), ...(container !== undefined && { container: nameArgument(container) }) };
}

/** @throws UsageError when a text is no name. */
export function nameArgument(text: string): string {
  const problem = name.safeParse(text).error?.issues[0]?.message;
  if (problem !== undefined) throw new UsageError(`"${text}" is no name: ${problem}`);
  return text;
}
