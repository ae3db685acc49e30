import { type Document, isScalar, type Scalar, visit } from 'yaml';

/** A key that stands in its map a second time, and where in the text. */
export interface RepeatedKey {
  readonly key: string;
  readonly offset: number;
}

/**
 * The parser compares every key of a map with every other one, which takes minutes for a file of a megabyte: it is told not to, and
 * this is done instead.
 */
export function repeatedKeys(document: Document.Parsed): RepeatedKey[] {
  const found: RepeatedKey[] = [];
  visit(document, {
    Map: (_key, { items }) => {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        if (seen.has(key.value)) found.push({ key: String(key.value), offset: offsetOf(key) });
        seen.add(key.value);
      }
    },
  });
  return found;
}

function offsetOf({ range }: Scalar): number {
  return range?.[0] ?? 0;
}
