import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  type LineCounter,
  type Node,
  type YAMLMap,
} from 'yaml';

/** A place in a file: line and column from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Finds where in a document's text a value stands. */
export class Positions {
  constructor(
    private readonly document: Document.Parsed,
    private readonly lines: LineCounter,
  ) {}

  /** The place of an offset in the text. */
  at(offset: number): Place {
    const { line, col } = this.lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  }

  /** The place of the value at a path, or of the innermost thing around it that is there. */
  of(path: readonly PropertyKey[]): Place {
    let node: Node | null | undefined = this.document.contents;
    let offset = this.start();
    for (const step of path) {
      const { at, next } = within(this.resolved(node), step);
      if (at === undefined) break;
      [offset, node] = [at, next];
    }
    return this.at(offset);
  }

  /** The place of a key of the map at a path. */
  ofKey(path: readonly PropertyKey[], key: string): Place {
    return this.of([...path, key]);
  }

  private start(): number {
    return this.document.contents?.range[0] ?? this.document.range[0];
  }

  private resolved(node: Node | null | undefined): Node | undefined {
    return isAlias(node) ? node.resolve(this.document) : (node ?? undefined);
  }
}

interface Step {
  /** Offset of the key, or of the item of a list. */
  readonly at?: number | undefined;
  readonly next?: Node | null | undefined;
}

function within(node: Node | undefined, step: PropertyKey): Step {
  if (isMap(node)) return inMap(node, String(step));
  if (!isSeq(node)) return {};
  const item: unknown = node.items[Number(step)];
  return isNode(item) ? { at: item.range?.[0], next: item } : {};
}

function inMap(map: YAMLMap, key: string): Step {
  const pair = map.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === key);
  if (pair === undefined) return {};
  const [name, value]: [unknown, unknown] = [pair.key, pair.value];
  return { at: isNode(name) ? name.range?.[0] : undefined, next: isNode(value) ? value : undefined };
}

function isNode(value: unknown): value is Node {
  return isScalar(value) || isMap(value) || isSeq(value) || isAlias(value);
}
