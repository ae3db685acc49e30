import { EdgeError } from '@selvage/protocol';
import type { Captures } from './topics.js';

/** One segment of a path template. */
type Segment = { readonly literal: string } | { readonly capture: string } | { readonly rest: string };

/** A path template that was read: anchored at both ends, a capture never crosses a `/`. */
export interface PathTemplate {
  readonly text: string;
  readonly segments: readonly Segment[];
}

const CAPTURE = /^\{([a-z][a-zA-Z0-9_]{0,31})(\.\.\.)?\}$/;
const MAX_SEGMENTS = 32;

/**
 * Reads `/orders/{id}/items/{rest...}`.
 * @throws EdgeError `bad_request` with the place in the text.
 */
export function readPath(text: string): PathTemplate {
  const parts = text.split('/').slice(1);
  if (parts.length > MAX_SEGMENTS) throw wrong(text, 1, `it has more than ${MAX_SEGMENTS} segments`);
  const names = new Set<string>();
  let at = 2;
  const segments = parts.map((part, index): Segment => {
    const place = at;
    at += part.length + 1;
    const capture = CAPTURE.exec(part);
    if (capture === null) {
      if (/[{}]/.test(part)) throw wrong(text, place, 'a capture is a whole segment: {name}, or {name...} at the end');
      if (part === '' && index < parts.length - 1) throw wrong(text, place, 'a segment is empty');
      if (/[^A-Za-z0-9._~!$&'()*+,;=:@%-]/.test(part)) throw wrong(text, place, 'a character that paths do not have');
      return { literal: part };
    }
    const [, name = '', dots] = capture;
    if (names.has(name)) throw wrong(text, place, `the capture {${name}} is there twice`);
    names.add(name);
    if (dots === undefined) return { capture: name };
    if (index < parts.length - 1) throw wrong(text, place, `{${name}...} stands at the end`);
    return { rest: name };
  });
  return { text, segments };
}

/** What the captures stand for; undefined when the path does not fit. `path`: as it came, percent-encoded. */
export function matchPath({ segments }: PathTemplate, path: string): Captures | undefined {
  const parts = path.split('/').slice(1);
  const captures: Record<string, string> = {};
  for (const [at, segment] of segments.entries()) {
    if ('rest' in segment) return { ...captures, [segment.rest]: parts.slice(at).join('/') };
    const part = parts[at];
    if (part === undefined) return undefined;
    if ('literal' in segment) {
      if (segment.literal !== part) return undefined;
    } else if (part === '') return undefined;
    else captures[segment.capture] = part;
  }
  return segments.length === parts.length ? captures : undefined;
}

/** Orders templates, the more exact first, segment by segment: a literal, then a capture, then the rest. */
export function byPathExactness(a: PathTemplate, b: PathTemplate): number {
  for (let at = 0; at < Math.max(a.segments.length, b.segments.length); at += 1) {
    const difference = rank(a.segments[at]) - rank(b.segments[at]);
    if (difference !== 0) return difference;
  }
  return a.text < b.text ? -1 : a.text > b.text ? 1 : 0;
}

/** The same for all templates that fit exactly the same paths. */
export function pathShape({ segments }: PathTemplate): string {
  return segments
    .map((segment) => ('literal' in segment ? `/${segment.literal}` : 'rest' in segment ? '/**' : '/*'))
    .join('');
}

function rank(segment: Segment | undefined): number {
  if (segment === undefined || 'literal' in segment) return 0;
  return 'capture' in segment ? 1 : 2;
}

function wrong(text: string, character: number, why: string): EdgeError {
  return new EdgeError('bad_request', `path: ${text}: character ${character}: ${why}`);
}
