import { type Answer, EdgeError, type Endpoint } from '@selvage/protocol';
import { chunksOf, textOf } from './answer-body.js';
import type { CallArguments } from './call-input.js';
import { jsonOf, notTheApi, refusal, unreachable } from './failures.js';
import { Limit } from './limit.js';
import { changesIn, eventValues, type LiveEvent } from './live-events.js';
import { type RawInput, requestOf, urlOf } from './request.js';

export interface ClientOptions {
  /** Where the hub is, `http://127.0.0.1:8080` for instance; a path in it is kept. */
  readonly url: string;
  /** Bearer token; without it only public endpoints answer. */
  readonly token?: string;
  /** Milliseconds for a whole JSON call, and until the first byte of a stream. */
  readonly deadlineMs?: number;
  /** Bytes that a JSON answer may have. */
  readonly maxAnswerBytes?: number;
  /** Milliseconds after which a silent event stream counts as broken: the hub writes something every 20 seconds. */
  readonly eventSilenceMs?: number;
}

/**
 * The hub's API. Every method throws `EdgeError`: with the hub's own code when the hub refused, `hub_unreachable` when
 * no hub answered, `call_cancelled` when the caller's signal ended the call.
 */
export interface Client {
  /** Calls a JSON endpoint and parses its answer. */
  call<E extends Endpoint>(endpoint: E, ...input: CallArguments<E>): Promise<Answer<E>>;
  /** The bytes of a text stream, as they come, until it ends. Nothing is asked before the first `next`. */
  stream<E extends Endpoint>(endpoint: E, ...input: CallArguments<E>): AsyncIterable<Uint8Array>;
  /** What the hub says on an event stream. It says no more than "this changed"; read again after each connect. */
  events<E extends Endpoint>(endpoint: E, ...input: CallArguments<E>): AsyncIterable<LiveEvent>;
  /** The data of each event of an event stream, JSON, not checked yet. */
  values<E extends Endpoint>(endpoint: E, ...input: CallArguments<E>): AsyncIterable<unknown>;
}

const DEADLINE_MS = 30_000;
const MAX_ANSWER = 64 * 1024 * 1024;
const EVENT_SILENCE_MS = 60_000;
const MAX_REFUSAL = 1024 * 1024;

/** A client of one hub. It holds no connection of its own and needs no closing. */
export function createClient(options: ClientOptions): Client {
  return new FetchClient(options);
}

class FetchClient implements Client {
  constructor(private readonly options: ClientOptions) {}

  async call<E extends Endpoint>(endpoint: E, ...[input]: CallArguments<E>): Promise<Answer<E>> {
    const raw: RawInput = input ?? {};
    const limit = new Limit(this.options.deadlineMs ?? DEADLINE_MS, raw.signal);
    try {
      const response = await this.open(endpoint, raw, limit);
      const text = await this.reading(limit, () =>
        textOf(response, this.options.maxAnswerBytes ?? MAX_ANSWER, limit.signal),
      );
      return parseAnswer(endpoint, text, this.options.url);
    } finally {
      limit.end();
    }
  }

  async *stream<E extends Endpoint>(endpoint: E, ...[input]: CallArguments<E>): AsyncGenerator<Uint8Array> {
    const raw: RawInput = input ?? {};
    const limit = new Limit(this.options.deadlineMs ?? DEADLINE_MS, raw.signal);
    try {
      const response = await this.open(endpoint, raw, limit);
      yield* this.pieces(response, limit);
    } finally {
      limit.end();
    }
  }

  events<E extends Endpoint>(endpoint: E, ...input: CallArguments<E>): AsyncGenerator<LiveEvent> {
    return changesIn(this.values(endpoint, ...input));
  }

  async *values<E extends Endpoint>(endpoint: E, ...[input]: CallArguments<E>): AsyncGenerator {
    const raw: RawInput = input ?? {};
    const limit = new Limit(this.options.deadlineMs ?? DEADLINE_MS, raw.signal);
    try {
      const response = await this.open(endpoint, raw, limit);
      yield* eventValues(this.pieces(response, limit, this.options.eventSilenceMs ?? EVENT_SILENCE_MS));
    } finally {
      limit.end();
    }
  }

  /** Sends the request and gives back a success, its body unread. */
  private async open(endpoint: Endpoint, input: RawInput, limit: Limit): Promise<Response> {
    const { url, token } = this.options;
    const init = { ...requestOf(endpoint, input, token), signal: limit.signal };
    const response = await this.reading(limit, () => limit.race(fetch(urlOf(url, endpoint, input), init)));
    if (response.ok) {
      input.onOpen?.();
      return response;
    }
    const text = await this.reading(limit, () => textOf(response, MAX_REFUSAL, limit.signal));
    throw refusal(url, response.status, text);
  }

  /** With `silenceMs` each piece has a deadline; without it they may take their time. */
  private async *pieces(response: Response, limit: Limit, silenceMs?: number): AsyncGenerator<Uint8Array> {
    const source = chunksOf(response, limit.signal);
    limit.pause();
    try {
      for (;;) {
        if (silenceMs !== undefined) limit.restart(silenceMs);
        const next = await this.reading(limit, () => source.next());
        limit.pause();
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await source.return();
    }
  }

  private async reading<T>(limit: Limit, act: () => Promise<T>): Promise<T> {
    const { url } = this.options;
    let value: T;
    try {
      value = await act();
    } catch (thrown) {
      throw limit.reason(url) ?? unreachable(url, thrown);
    }
    const reason = limit.reason(url);
    if (reason) throw reason;
    return value;
  }
}

function parseAnswer<E extends Endpoint>(endpoint: E, text: string, url: string): Answer<E> {
  const value = text === '' ? undefined : jsonOf(text);
  const parsed = endpoint.answer.safeParse(value);
  if (parsed.success) return parsed.data as Answer<E>;
  if (text !== '' && value === undefined) throw notTheApi(url, 'its answer is not JSON');
  const [problem] = parsed.error.issues;
  const where = problem?.path.map(String).join('.') ?? '';
  throw new EdgeError(
    'internal',
    `The hub's answer to ${endpoint.method} ${endpoint.path} cannot be read at "${where}": ${problem?.message ?? ''}. Does it have the same version as this program?`,
  );
}
