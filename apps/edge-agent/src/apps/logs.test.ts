import { EdgeError } from '@selvage/protocol';
import { settled } from '@selvage/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { app, TestNode } from './test-node.js';
import { LogText } from './log-text.js';

const params = { app: 'web', follow: false, tail: 1000, timestamps: false };

describe('the log of a container', () => {
  let node: TestNode;
  let id: string;
  let text: string;
  const sink = {
    write: (chunk: Uint8Array): Promise<void> => Promise.resolve(void (text += Buffer.from(chunk).toString())),
  };
  const read = (given: object = {}, signal = new AbortController().signal): Promise<void> =>
    node.logs({ ...params, ...given }, sink, signal);
  beforeEach(async () => {
    node = new TestNode();
    node.docker.images.publish('registry:5000/web:1');
    await node.start();
    await node.want([app('web')]);
    id = node.running('web') ?? '';
    text = '';
    for (const line of ['one', 'two', 'three']) node.docker.say(id, line);
  });
  afterEach(() => node.stop());

  it.each([
    [1000, 'one\ntwo\nthree\n'],
    [1, 'three\n'],
    [0, ''],
  ])('gives the last %i lines', async (tail, expected) => {
    await read({ tail });
    expect(text).toBe(expected);
  });

  it('carries the moment of each line when asked', async () => {
    await read({ tail: 2, timestamps: true });
    expect(text).toMatch(/^2030-\S+Z two\n2030-\S+Z three\n$/);
  });

  it('is followed over restarts until the container is removed', async () => {
    const done = read({ follow: true, tail: 1 });
    await settled();
    node.docker.say(id, 'four');
    await settled();
    node.docker.exit(id, 1);
    await settled();
    node.docker.say(id, 'five');
    await settled();
    expect(text).toBe('three\nfour\nfive\n');
    node.docker.discard(id);
    await done;
  });

  it('ends when nobody reads it any more', async () => {
    const reader = new AbortController();
    const done = read({ follow: true }, reader.signal);
    await settled();
    reader.abort();
    await done;
  });

  it('waits for a slow reader', async () => {
    let [writes, release] = [0, (): void => undefined];
    const write = (): Promise<void> => {
      writes += 1;
      return new Promise((resolve) => (release = resolve));
    };
    const done = node.logs({ ...params, follow: true, tail: 1 }, { write }, new AbortController().signal);
    for (let count = 1; count <= 3; count += 1) {
      await settled();
      node.docker.say(id, 'more');
      await settled();
      expect(writes).toBe(count);
      release();
    }
    node.docker.discard(id);
    release();
    for (let left = 0; left < 2; left += 1) {
      await settled();
      release();
    }
    await done;
  });

  it.each([
    ['no such app', { app: 'nope' }, 'not_found'],
    ['no such container', { container: 'nope' }, 'not_found'],
  ])('is refused: %s', async (_what, given, code) => {
    await expect(read(given)).rejects.toMatchObject({ code });
  });

  it('of an app with several containers needs the name of one', async () => {
    await node.want([app('web', { containers: [{ name: 'a' }, { name: 'b' }] })]);
    await expect(read()).rejects.toEqual(
      new EdgeError('bad_request', 'The app "web" has several containers: name one of a, b.'),
    );
    await read({ container: 'b' });
  });
});

describe('the text of a log', () => {
  const piece = (at: string | undefined, line: string) => ({
    stream: 'stdout' as const,
    bytes: Buffer.from(line),
    ...(at !== undefined && { at }),
  });
  const t = (nanos: number): string => `2026-11-24T10:56:13.${String(nanos).padStart(9, '0')}Z`;

  it('goes on where it was left, without saying anything twice', () => {
    const text = new LogText(false);
    expect(text.take([piece(t(1), 'a\n'), piece(t(2), 'b\n')]).toString()).toBe('a\nb\n');
    expect(text.goOn('7')).toEqual({ since: '1795517773.000000002' });
    expect(text.take([piece(t(2), 'b'), piece(undefined, '\n'), piece(t(3), 'c\n')]).toString()).toBe('c\n');
  });

  it('has one moment a line, however many records a line takes', () => {
    const text = new LogText(true);
    const pieces = [piece(t(1), 'long '), piece(undefined, 'long '), piece(t(2), 'line\n'), piece(t(3), 'x\n')];
    expect(text.take(pieces).toString()).toBe(`${t(1)} long long line\n${t(3)} x\n`);
  });

  it('goes on from the start of the call when there was nothing yet', () => {
    expect(new LogText(true).goOn('7')).toEqual({ since: '7' });
  });
});
