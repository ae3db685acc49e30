import { type ASTNode, Environment } from '@marcbachmann/cel-js';
import { EdgeError, MAX_EXPRESSION_PAYLOAD } from '@selvage/protocol';

/** What an expression sees of a message. */
export interface Seen {
  readonly payload: Uint8Array;
  readonly topic: string;
  readonly node?: string | undefined;
  readonly device?: string | undefined;
  /** Epoch milliseconds. */
  readonly at: number;
}

export type Filter = (message: Seen) => boolean;
/** The new payload, JSON as UTF-8. */
export type Transform = (message: Seen) => Uint8Array;

const LIMITS = { maxAstNodes: 200, maxDepth: 24, maxListElements: 64, maxMapEntries: 64, maxCallArguments: 8 };
const MACROS = new Set(['all', 'exists', 'exists_one', 'filter', 'map']);
/** Regular expressions of JavaScript can take for ever. */
const REFUSED = new Map([['matches', 'matches() is not offered: use startsWith, endsWith, contains or split']]);
/** Largest result of a transform, bytes. */
const MAX_RESULT = 256 * 1024;

type Context = Record<'payload' | 'topic' | 'node' | 'device' | 'time', unknown>;

const environment = new Environment({ homogeneousAggregateLiterals: false, limits: LIMITS })
  .registerVariable('payload', 'dyn')
  .registerVariable('topic', 'string')
  .registerVariable('node', 'string')
  .registerVariable('device', 'string')
  .registerVariable('time', 'google.protobuf.Timestamp');
// Numbers in JSON have no type: a whole one in an expression fits them all the same.
const ARITHMETIC = {
  '+': (a: number, b: number) => a + b,
  '-': (a: number, b: number) => a - b,
  '*': (a: number, b: number) => a * b,
  '/': (a: number, b: number) => a / b,
  '%': (a: number, b: number) => a % b,
};
for (const [operator, apply] of Object.entries(ARITHMETIC)) {
  environment.registerOperator(`double ${operator} int`, (a: number, b: bigint) => apply(a, Number(b)));
  environment.registerOperator(`int ${operator} double`, (a: bigint, b: number) => apply(Number(a), b));
}
environment.registerOperator('double % double', (a: number, b: number) => a % b);

/**
 * Reads a filter: whether a message goes on.
 * @throws EdgeError `bad_request` with the place in the text.
 */
export function readFilter(text: string): Filter {
  const run = read('filter', text, ['bool', 'dyn']);
  return (message) => {
    const value = run(message);
    if (typeof value === 'boolean') return value;
    throw new EdgeError('bad_request', 'filter: its value is neither true nor false');
  };
}

/** Reads a transform; see `readFilter`. */
export function readTransform(text: string): Transform {
  const run = read('transform', text);
  return (message) => {
    const json = JSON.stringify(plain(run(message)));
    const bytes = new TextEncoder().encode(json);
    if (bytes.byteLength > MAX_RESULT)
      throw new EdgeError(
        'bad_request',
        `transform: its value has ${bytes.byteLength} bytes; ${MAX_RESULT} is the most`,
      );
    return bytes;
  };
}

function read(what: string, text: string, types?: readonly string[]): (message: Seen) => unknown {
  const parsed = guarded(what, () => environment.parse(text));
  refuse(what, parsed.ast, 0);
  const { valid, type, error } = parsed.check();
  if (!valid) throw wrong(what, error);
  if (types !== undefined && type !== undefined && !types.includes(type))
    throw new EdgeError('bad_request', `${what}: character 1: its value is of type ${type}, not true or false`);
  return (message) => {
    const context = contextOf(what, message);
    return guarded(what, (): unknown => parsed(context));
  };
}

/** The cost of an expression is bounded by its size and the payload's, as long as no macro runs inside another. */
function refuse(what: string, node: unknown, macros: number): void {
  if (Array.isArray(node)) for (const one of node) refuse(what, one, macros);
  if (!isNode(node)) return;
  const name = node.op === 'rcall' || node.op === 'call' ? String((node.args as unknown[])[0]) : '';
  const refused = REFUSED.get(name);
  if (refused !== undefined) throw new EdgeError('bad_request', `${what}: character ${node.pos + 1}: ${refused}`);
  const inside = macros + (MACROS.has(name) && node.op === 'rcall' ? 1 : 0);
  if (inside > 1)
    throw new EdgeError(
      'bad_request',
      `${what}: character ${node.pos + 1}: ${name}() inside another one costs too much`,
    );
  if (Array.isArray(node.args)) for (const one of node.args as unknown[]) refuse(what, one, inside);
  else refuse(what, node.args, inside);
}

function isNode(value: unknown): value is ASTNode {
  return typeof value === 'object' && value !== null && 'op' in value && 'args' in value;
}

function contextOf(what: string, { payload, topic, node = '', device = '', at }: Seen): Context {
  return { payload: json(what, payload), topic, node, device, time: new Date(at) };
}

/** A payload that is not JSON is a text, when it is UTF-8; else an expression cannot look into it. */
function json(what: string, payload: Uint8Array): unknown {
  if (payload.byteLength > MAX_EXPRESSION_PAYLOAD)
    throw new EdgeError('bad_request', `${what}: the payload has more than ${MAX_EXPRESSION_PAYLOAD} bytes`);
  const text = guarded(what, () => new TextDecoder('utf-8', { fatal: true }).decode(payload));
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** A value as JSON has it: whole numbers that fit, times as text, bytes as Base64. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return plain(Object.fromEntries(value));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]));
}

function guarded<T>(what: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw error instanceof EdgeError ? error : wrong(what, error);
  }
}

/** The library writes its reason on the first line and a picture of the place below. */
function wrong(what: string, error: unknown): EdgeError {
  const message = error instanceof Error ? error.message : String(error);
  const [reason = ''] = message.split('\n');
  const place = /^> +1 \| /m.exec(message) === null ? undefined : placeOf(message);
  const at = place === undefined ? '' : `character ${place}: `;
  return new EdgeError('bad_request', `${what}: ${at}${reason.slice(0, 300)}`, { cause: error });
}

/** Where the arrow below the text points, counted from 1. */
function placeOf(message: string): number | undefined {
  const lines = message.split('\n');
  const text = lines.findIndex((line) => line.startsWith('>'));
  const bar = lines[text]?.indexOf('| ') ?? -1;
  const arrow = lines[text + 1]?.indexOf('^') ?? -1;
  return bar === -1 || arrow === -1 ? undefined : arrow - bar - 1;
}
