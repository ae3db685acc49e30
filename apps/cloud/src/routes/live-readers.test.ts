import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { liveMessage, type LiveMessage, type RoutedMessage, routeSpec } from '@selvage/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KnownRoute } from './known-routes.service.js';
import { LiveReaders } from './live-readers.service.js';
import { LiveRoutes } from './live-routes.service.js';

/** An answer whose reader has left so many bytes unread. */
class Answer extends ServerResponse {
  unread = 0;
  readonly events: LiveMessage[] = [];
  readonly reply = { raw: this, hijack: () => undefined };

  constructor() {
    super(new IncomingMessage(new Socket()));
    Object.defineProperty(this, 'writableLength', { get: () => this.unread });
  }
  override write(chunk: unknown): boolean {
    const text = String(chunk);
    if (text.startsWith('data: ')) this.events.push(liveMessage.parse(JSON.parse(text.slice(6))));
    return true;
  }
}

describe('readers of a route', () => {
  const source = { endpoint: 'rest', path: '/x' };
  const spec = routeSpec.parse({ source, target: { endpoint: 'live' } });
  const none = { filter: undefined, transform: undefined, path: undefined };
  const route: KnownRoute = { uid: 'u', project: 'p', name: 'r', spec, ...none };
  const at = { project: 'p', name: 'r' };
  const known = { get: () => route, named: () => route, listen: () => undefined };
  const answers: Answer[] = [];
  let live: LiveRoutes;
  let readers: LiveReaders;
  beforeEach(() => {
    live = new LiveRoutes();
    readers = new LiveReaders(known, live);
  });
  afterEach(() => {
    for (const answer of answers.splice(0)) answer.destroy();
  });

  function look(): Answer {
    const answer = new Answer();
    answers.push(answer);
    readers.open(at, answer.reply);
    return answer;
  }
  function tell(id: string): void {
    const message: RoutedMessage = { id, topic: 't', at: 0, vars: {}, payload: new Uint8Array() };
    live.tell('u', message);
  }

  it('that are slow miss messages, and are told how many, while others get them all', () => {
    const [slow, quick] = [look(), look()];
    tell('1');
    slow.unread = 1_000_000;
    tell('2');
    tell('3');
    slow.unread = 0;
    tell('4');
    tell('5');
    expect(slow.events.map(({ id, missed }) => [id, missed])).toEqual([
      ['1', undefined],
      ['4', 2],
      ['5', undefined],
    ]);
    expect(quick.events.map(({ id }) => id)).toEqual(['1', '2', '3', '4', '5']);
  });

  it('are a hundred at most, and make room when they go', () => {
    const [first] = Array.from({ length: 100 }, look);
    expect(look).toThrow(expect.objectContaining({ code: 'too_many_requests' }));
    first?.emit('close');
    expect(look).not.toThrow();
  });
});
