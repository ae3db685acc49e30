import { readdirSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '@selvage/reconcile';
import { tempDir } from '@selvage/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Journal } from './journal.js';
import { execute } from './test-database.js';

const quiet = { error: (): void => undefined, info: (): void => undefined };

describe('the journal', () => {
  let folder = tempDir();
  let journal: Journal;
  const open = async (): Promise<Journal> => {
    const opened = new Journal({ path: join(folder.path, 'broker.db'), clock: systemClock, log: quiet });
    await opened.start();
    return opened;
  };
  const all = async (prefix = ''): Promise<Record<string, string>> => {
    const found: Record<string, string> = {};
    for await (const [key, value] of journal.read(prefix)) found[key] = value.toString('latin1');
    return found;
  };

  beforeEach(async () => {
    folder = tempDir();
    journal = await open();
  });
  afterEach(async () => {
    await journal.stop();
    folder.remove();
  });

  it('has what was put when it is opened again, byte for byte', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    await Promise.all([
      journal.put('a', bytes),
      journal.put('b', Buffer.alloc(0)),
      journal.put('ü/😀', Buffer.from('x')),
    ]);
    await journal.stop();
    journal = await open();
    expect(await all()).toEqual({ a: bytes.toString('latin1'), b: '', 'ü/😀': 'x' });
  });

  it('keeps a record without a byte, alone in its commit too', async () => {
    await journal.put('empty', Buffer.alloc(0));
    expect(await all()).toEqual({ empty: '' });
  });

  it('keeps the last of several changes of a key, whatever they were', async () => {
    const put = (key: string, text: string): Promise<void> => journal.put(key, Buffer.from(text));
    await Promise.all([
      put('a', '1'),
      put('a', '2'),
      journal.delete('b'),
      put('b', '3'),
      put('c', '4'),
      journal.delete('c'),
    ]);
    expect(await all()).toEqual({ a: '2', b: '3' });
    await Promise.all([journal.delete('a'), put('b', '5')]);
    expect(await all()).toEqual({ b: '5' });
  });

  it('writes many changes with few commits', async () => {
    const many = Array.from({ length: 5_000 }, (_, index) => journal.put(`k/${index}`, Buffer.from(String(index))));
    await Promise.all(many);
    expect(journal.changes).toBe(5_000);
    expect(journal.commits).toBeLessThan(5);
    expect(Object.keys(await all('k/'))).toHaveLength(5_000);
  });

  it.each<[string, (path: string) => Promise<void>]>([
    ['a folder', (path) => mkdir(path)],
    ['the database of something else', (path) => execute(path, 'CREATE TABLE records (x)')],
  ])('starts anew, and keeps what was there, in place of %s', async (_what, damage) => {
    await journal.stop();
    const path = join(folder.path, 'broker.db');
    rmSync(path);
    await damage(path);
    journal = await open();
    await journal.put('a', Buffer.from('1'));
    expect(await all()).toEqual({ a: '1' });
    expect(readdirSync(folder.path).some((name) => name.startsWith('broker.db.broken-'))).toBe(true);
  });

  it('reads by prefix, in order', async () => {
    await Promise.all(['q/b/2', 'q/b/1', 'q/a/1', 'r/1'].map((key) => journal.put(key, Buffer.from('x'))));
    expect(Object.keys(await all('q/'))).toEqual(['q/a/1', 'q/b/1', 'q/b/2']);
  });
});
