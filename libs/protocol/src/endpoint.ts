/** The shape of an HTTP endpoint as data, and the five endpoints that every noun has. */
import { z } from 'zod';
import { name } from './ids.js';
import type { Role } from './users.js';

export const none = z.undefined();
type Schema = z.ZodType;

/**
 * What an endpoint is about, and so what a token limited to projects gets of it. `caller`: whoever asks. `project`: the project in its
 * path, which the token must reach. `reach`: all that the token reaches, and nothing else is shown or touched. `hub`: what is
 * everybody's; such a token is refused.
 */
export type Scope = 'caller' | 'project' | 'reach' | 'hub';

/** `text` and `events` answers are streams; `json` is the default. */
export interface Endpoint<
  P extends Schema = Schema,
  Q extends Schema = Schema,
  B extends Schema = Schema,
  A extends Schema = Schema,
> {
  readonly method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  /** `{param}` stands for one path segment. */
  readonly path: string;
  /** Least role that may call it; `public` needs no login. */
  readonly role: Role | 'public';
  readonly scope: Scope;
  readonly summary: string;
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  readonly answer: A;
  readonly stream?: 'text' | 'events';
}

/** What a caller gives: path parameters, query and body in one object, before defaults are filled in. */
export type CallInput<E extends Endpoint> = Given<'params', E['params']> &
  Given<'query', E['query']> &
  Given<'body', E['body']>;
type Given<K extends string, S extends Schema> =
  z.input<S> extends undefined
    ? unknown
    : AllOptional<z.input<S>> extends true
      ? Partial<Record<K, z.input<S>>>
      : Record<K, z.input<S>>;
type AllOptional<T> = Partial<T> extends T ? true : false;

/** What the hub's controller receives: the same, parsed. */
export interface ParsedInput<E extends Endpoint> {
  readonly params: z.output<E['params']>;
  readonly query: z.output<E['query']>;
  readonly body: z.output<E['body']>;
}
export type Answer<E extends Endpoint> = z.output<E['answer']>;

export const inProject = z.strictObject({ project: name });
export const named = inProject.extend({ name });
export const noQuery = z.strictObject({});
export const PROJECT_PATH = '/api/v1/projects/{project}';

/** Gives an endpoint its exact types. */
export function endpoint<P extends Schema, Q extends Schema, B extends Schema, A extends Schema>(
  given: Endpoint<P, Q, B, A>,
): Endpoint<P, Q, B, A> {
  return given;
}

/** What differs between the five endpoints of one noun and those of another. */
interface Noun<I extends Schema, W extends Schema, L extends Schema, X extends Schema, D extends Schema> {
  readonly plural: string;
  readonly singular: string;
  readonly item: I;
  readonly write: W;
  readonly list: L;
  readonly patch: X;
  /** Query of `DELETE`. */
  readonly remove: D;
}

/** The five endpoints that every noun has. */
export function crud<I extends Schema, W extends Schema, L extends Schema, X extends Schema, D extends Schema>(
  noun: Noun<I, W, L, X, D>,
) {
  const { plural, singular, item: answer } = noun;
  const all = { path: `${PROJECT_PATH}/${plural}`, params: inProject } as const;
  const one = { path: `${all.path}/{name}`, params: named } as const;
  const read = { method: 'GET', role: 'viewer', scope: 'project', body: none } as const;
  const change = { role: 'operator', scope: 'project', query: noQuery, answer } as const;
  const items = z.object({ items: z.array(answer), cursor: z.string().optional() });
  return {
    list: endpoint({ ...read, ...all, summary: `List ${plural}`, query: noun.list, answer: items }),
    get: endpoint({ ...read, ...one, summary: `Read ${aOrAn(singular)}`, query: noQuery, answer }),
    put: endpoint({
      ...change,
      ...one,
      method: 'PUT',
      summary: `Create or replace ${aOrAn(singular)}`,
      body: noun.write,
    }),
    patch: endpoint({ ...change, ...one, method: 'PATCH', summary: `Change ${aOrAn(singular)}`, body: noun.patch }),
    remove: endpoint({
      ...one,
      method: 'DELETE',
      role: 'operator',
      scope: 'project',
      summary: `Delete ${aOrAn(singular)}`,
      query: noun.remove,
      body: none,
      answer: none,
    }),
  };
}

function aOrAn(noun: string): string {
  return /^[aeiou]/.test(noun) ? `an ${noun}` : `a ${noun}`;
}
