import type { Endpoint } from '@selvage/protocol';

/** What a call takes: path parameters, query and body, each only where the endpoint has one, and optional when nothing in it is required. */
export type Input<E extends Endpoint> = Given<'params', InputOf<E['params']>> &
  Given<'query', InputOf<E['query']>> &
  Given<'body', InputOf<E['body']>>;

export interface CallOptions {
  /** Revision that the object must still have. */
  readonly ifMatch?: number;
  /** Ends the call. */
  readonly signal?: AbortSignal;
  /** Called once the hub has accepted, before anything of the answer is read. */
  readonly onOpen?: () => void;
}

/** The arguments after the endpoint: the input may be left out when nothing in it is required. */
export type CallArguments<E extends Endpoint> =
  Partial<Input<E>> extends Input<E> ? [input?: Input<E> & CallOptions] : [input: Input<E> & CallOptions];

type InputOf<S extends Endpoint['params']> = S['_zod']['input'];
/** An object without keys is `Record<string, never>`: nothing is required of it, though its `Partial` does not say so. */
type Given<K extends string, I> = [I] extends [undefined]
  ? unknown
  : [I] extends [Record<string, never>]
    ? Partial<Record<K, I>>
    : Partial<I> extends I
      ? Partial<Record<K, I>>
      : Record<K, I>;
