/** What the tests of the routes share. */
import type { NewMessage } from '@selvage/outbox';
import { type DesiredRoute, desiredRoute, type DesiredRoutes, type Position } from '@selvage/protocol';
import { decodeRouted } from '@selvage/wire';
import type { z } from 'zod';
import type { DesiredSource, Records } from './options.js';

export const NODE = { project: 'default', node: 'n1' };

/** A route as the hub wants it, to the hub unless said otherwise. */
export function wantedRoute(uid: string, more: Partial<z.input<typeof desiredRoute>> = {}): DesiredRoute {
  return desiredRoute.parse({ uid, name: uid, topic: 't/#', group: 'to', target: { kind: 'hub' }, ...more });
}

/** What the hub wants, as it can be said anew. */
export class TestDesired implements DesiredSource {
  position: Position | null = { epoch: 'e', revision: 1 };
  broken: Error | undefined;
  #value: DesiredRoutes | undefined;
  readonly #listeners: (() => void)[] = [];

  constructor(...routes: DesiredRoute[]) {
    this.#value = { routes, services: [] };
  }

  want(routes: readonly DesiredRoute[], services: readonly number[] = []): void {
    this.#value = { routes: [...routes], services: [...services] };
    for (const tell of this.#listeners) tell();
  }

  read<T>(_section: string, schema: z.ZodType<T>): T | undefined {
    if (this.broken !== undefined) throw this.broken;
    return this.#value === undefined ? undefined : schema.parse(this.#value);
  }

  onChange(_section: string, listener: () => void): void {
    this.#listeners.push(listener);
  }
}

/** Records that outlive whoever wrote them. */
export class TestRecords implements Records {
  readonly all = new Map<string, Uint8Array>();
  broken: Error | undefined;

  put(key: string, value: Uint8Array): Promise<void> {
    if (this.broken !== undefined) return Promise.reject(this.broken);
    this.all.set(key, value);
    return Promise.resolve();
  }

  delete(key: string): Promise<void> {
    this.all.delete(key);
    return Promise.resolve();
  }

  async *read(prefix: string): AsyncGenerator<readonly [string, Uint8Array]> {
    await Promise.resolve();
    for (const [key, value] of [...this.all].sort()) if (key.startsWith(prefix)) yield [key, value];
  }
}

/** Takes what is appended, or refuses it. */
export class TestOutbox {
  readonly messages: NewMessage[] = [];
  refusal: Error | undefined;

  append(message: NewMessage): Promise<void> {
    if (this.refusal !== undefined) return Promise.reject(this.refusal);
    this.messages.push(message);
    return Promise.resolve();
  }

  /** Lane, key and payload of each message. */
  get told(): string[] {
    return this.messages.map(({ lane, key = '-', body }) => {
      return `${lane} ${key} ${Buffer.from(decodeRouted(body).payload).toString()}`;
    });
  }
}
