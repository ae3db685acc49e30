import fc from 'fast-check';

/** A place in a JSON value: the keys that lead to it. */
type Place = readonly (string | number)[];

const deep = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;

/** What nobody expects, as JSON text. */
const ODD = [
  ...['null', 'true', 'false', '0', '-1', '1e308', '1.5', '""', '" "', '[]', '{}', '[null]', '{"":null}'],
  ...['9007199254740993', '1e999', '-0', '"\\u0000"', '"\\ud800"', '"../../etc"', '"__proto__"', '"💥"'],
  ...['{"__proto__":{"admin":true}}', '{"constructor":{"prototype":{"x":1}}}', '{"toString":null}', '{"length":-1}'],
  ...[JSON.stringify('x'.repeat(100_000)), deep(70), `{"a":${deep(70)}}`, JSON.stringify(Array(2000).fill(0))],
];

/** JSON texts that differ from a valid one in one to three places: odd values, places taken away, keys added, whatever JSON there is. */
export function mutationsOf(valid: object): fc.Arbitrary<string> {
  const places = placesIn(valid);
  const place = fc.constantFrom(...places);
  const odd = fc.oneof(fc.constantFrom(...ODD), fc.json());
  const change = fc.oneof(
    fc.record({ kind: fc.constant('set' as const), place, text: odd }),
    fc.record({ kind: fc.constant('drop' as const), place, text: odd }),
    fc.record({ kind: fc.constant('add' as const), place, text: odd }),
  );
  return fc.array(change, { minLength: 1, maxLength: 3 }).map((changes) => {
    const marks = new Map<string, string>();
    const copy = changes.reduce<unknown>((value, { kind, place: at, text }, index) => {
      const mark = `@@${index}@@`;
      marks.set(mark, text);
      return changed(value, at, (old) => (kind === 'set' ? mark : kind === 'drop' ? undefined : added(old, mark)));
    }, valid);
    // Set as text, since `__proto__`, numbers that are too large and lone surrogates do not outlive JSON.stringify.
    let text = JSON.stringify(copy === undefined ? null : copy);
    for (const [mark, odd] of marks) text = text.replace(JSON.stringify(mark), () => odd);
    return text;
  });
}

/** The JSON texts that have this text at one place of a valid value, for every place. */
export function everywhere(valid: object, text: string): string[] {
  const mark = '@@here@@';
  return placesIn(valid).map((place) =>
    JSON.stringify(changed(valid, place, () => mark)).replace(JSON.stringify(mark), () => text),
  );
}

function added(old: unknown, mark: string): unknown {
  if (Array.isArray(old)) return [...(old as unknown[]), mark];
  return typeof old === 'object' && old !== null ? { ...old, unknown: mark } : mark;
}

function placesIn(value: unknown, at: Place = []): Place[] {
  if (typeof value !== 'object' || value === null) return [at];
  const keys = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
  const inside = new Map<string | number, unknown>(Object.entries(value));
  return [at, ...keys.flatMap((key) => placesIn(inside.get(String(key)), [...at, key]))];
}

function changed(value: unknown, [key, ...rest]: Place, change: (old: unknown) => unknown): unknown {
  if (key === undefined) return change(value);
  if (Array.isArray(value))
    return value.map((item: unknown, index) => (index === key ? changed(item, rest, change) : item));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, item]: [string, unknown]) => [
    name,
    name === key ? changed(item, rest, change) : item,
  ]);
  return Object.fromEntries(entries);
}
