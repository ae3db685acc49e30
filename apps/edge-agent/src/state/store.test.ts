import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Position, Section } from '@selvage/protocol';
import { FakeClock, type TempDir, tempDir } from '@selvage/testkit';
import { compare, toSection } from '@selvage/wire';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Store } from './index.js';
import { execute } from './test-database.js';

const clock = new FakeClock();
const numbers = z.object({ n: z.int() });
const at = (revision: number, epoch = 'a'): Position => ({ epoch, revision });
const section = (name: string, n: unknown): Section => toSection(name, { n });

describe('the store', () => {
  let folder: TempDir;
  let store: Store;
  const lines: string[] = [];
  const say = (_about: unknown, line?: string): void => void lines.push(line ?? '');
  const newStore = (path = folder.path): Store => new Store({ folder: path, clock, log: { warn: say, error: say } });
  const reopen = async (): Promise<void> => {
    await store.stop();
    store = newStore();
    await store.start();
  };

  const harm = (sql: string): Promise<void> => execute(join(folder.path, 'agent.db'), sql);

  beforeEach(async () => {
    lines.length = 0;
    folder = tempDir();
    store = newStore();
    await store.start();
  });
  afterEach(async () => {
    await store.stop();
    folder.remove();
  });

  it('can be read by its owner only, since it may hold credentials', async () => {
    await store.meta.set('k', 'v');
    const files = readdirSync(folder.path).filter((name) => name.startsWith('agent.db'));
    expect(files).toContain('agent.db-wal');
    for (const name of files) expect(statSync(join(folder.path, name)).mode & 0o077).toBe(0);
  });

  it('knows nothing at first', () => {
    expect(store.desired.position).toBeNull();
    expect(store.desired.hashes()).toEqual({});
    expect(store.desired.read('apps', numbers)).toBeUndefined();
  });

  it('keeps a desired state, pins and small values over a restart', async () => {
    await store.desired.apply(at(3), [section('apps', 1), section('node', 2)], []);
    await store.pins.set('u/c', { image: 'web:1', digest: 'web@sha256:0' });
    await store.meta.set('k', 'v');
    await reopen();
    expect(store.desired.position).toEqual(at(3));
    expect(store.desired.hashes()).toEqual({ apps: section('apps', 1).hash, node: section('node', 2).hash });
    expect(store.desired.read('apps', numbers)).toEqual({ n: 1 });
    expect(store.pins.get('u/c')).toEqual({ image: 'web:1', digest: 'web@sha256:0' });
    expect([...store.pins.all().keys()]).toEqual(['u/c']);
    expect(store.meta.get('k')).toBe('v');
    await store.pins.delete('u/c');
    await reopen();
    expect(store.pins.get('u/c')).toBeUndefined();
  });

  it('tells of the sections that changed, after they were stored', async () => {
    const told: unknown[] = [];
    for (const name of ['apps', 'node'])
      store.desired.onChange(name, () => told.push([name, store.desired.read(name, numbers)?.n]));
    await store.desired.apply(at(1), [section('apps', 1), section('node', 1)], []);
    await store.desired.apply(at(2), [section('apps', 1), section('node', 2)], []);
    await store.desired.apply(at(3), [], ['apps']);
    expect(told).toEqual([
      ['apps', 1],
      ['node', 1],
      ['node', 2],
      ['apps', undefined],
    ]);
  });

  it.each([
    ['older revision of the same epoch', at(4), 1],
    ['same revision', at(5), 2],
    ['lower revision of another epoch', at(1, 'b'), 2],
  ])('given the %s, keeps the newest', async (_what, position, n) => {
    await store.desired.apply(at(5), [section('apps', 1)], []);
    await store.desired.apply(position, [section('apps', 2)], []);
    expect(store.desired.read('apps', numbers)).toEqual({ n });
  });

  it('never moves back when two states come at once', async () => {
    await Promise.all([
      store.desired.apply(at(6), [section('apps', 6)], []),
      store.desired.apply(at(5), [section('apps', 5)], []),
    ]);
    expect(store.desired.position).toEqual(at(6));
    expect(store.desired.read('apps', numbers)).toEqual({ n: 6 });
  });

  it('refuses a section that is not what its hash says, and all that came with it', async () => {
    const forged = { ...section('node', 2), hash: section('node', 3).hash };
    await expect(store.desired.apply(at(1), [section('apps', 1), forged], [])).rejects.toMatchObject({
      code: 'bad_request',
    });
    expect(store.desired.position).toBeNull();
    expect(store.desired.hashes()).toEqual({});
  });

  it('goes by the section before while the newest cannot be read', async () => {
    const { desired } = store;
    await desired.apply(at(1), [section('apps', 1)], []);
    expect(desired.read('apps', numbers)).toEqual({ n: 1 });
    for (const revision of [2, 3]) {
      await desired.apply(at(revision), [section('apps', `of the future ${revision}`)], []);
      expect(desired.read('apps', numbers)).toEqual({ n: 1 });
    }
    await reopen();
    expect(store.desired.read('apps', numbers)).toEqual({ n: 1 });
    await store.desired.apply(at(4), [section('apps', 4)], []);
    expect(store.desired.read('apps', numbers)).toEqual({ n: 4 });
  });

  it.each([
    ['body', "UPDATE sections SET body = x'7b7d' WHERE name = 'apps'"],
    ['hash', "UPDATE sections SET hash = 'another' WHERE name = 'apps'"],
  ])('does not go by a section whose %s was damaged, and takes it when it is sent again', async (_what, damage) => {
    await store.desired.apply(at(1), [section('apps', 1), section('node', 1)], []);
    await store.desired.apply(at(2), [section('apps', 2)], []);
    await store.stop();
    await harm(damage);
    await reopen();
    expect(store.desired.position).toEqual(at(2));
    expect(store.desired.hashes()).toMatchObject({ node: section('node', 1).hash });
    expect(compare({ apps: section('apps', 2).hash, node: section('node', 1).hash }, store.desired.hashes())).toEqual({
      differ: ['apps'],
      gone: [],
    });
    expect(() => store.desired.read('apps', numbers)).toThrow('the hub sends it again');
    expect(lines).toEqual(['a stored section is damaged: it is left aside until the hub sends it again']);
    await store.desired.apply(at(2), [section('apps', 2)], []);
    expect(store.desired.read('apps', numbers)).toEqual({ n: 2 });
    lines.length = 0;
    await reopen();
    expect(store.desired.read('apps', numbers)).toEqual({ n: 2 });
    expect(lines).toEqual([]);
  });

  it('says so when it has nothing that can be read', async () => {
    await store.desired.apply(at(1), [section('apps', 'x')], []);
    expect(() => store.desired.read('apps', numbers)).toThrow('update the agent');
  });

  it('is whole, old or new, at whatever instant its process is killed', async () => {
    const copies = Array.from({ length: 40 }, (_, index) => join(folder.path, `copy-${index}`));
    const until = new AbortController();
    const writer = (async () => {
      for (let n = 1; !until.signal.aborted; n += 1)
        await store.desired.apply(at(n), [section('apps', n), section('node', n)], []);
    })();
    for (const copy of copies) {
      mkdirSync(copy);
      for (const file of ['agent.db', 'agent.db-wal']) copyFileSync(join(folder.path, file), join(copy, file));
      await new Promise((resolve) => setImmediate(resolve));
    }
    until.abort();
    await writer;
    for (const copy of copies) {
      const survivor = newStore(copy);
      await survivor.start();
      const { desired } = survivor;
      const revision = desired.position?.revision;
      const seen = ['apps', 'node'].map((name) => desired.read(name, numbers)?.n);
      await survivor.stop();
      expect(seen).toEqual([revision, revision]);
    }
    expect(lines).toEqual([]);
  });

  it.each([
    ['is no database', () => Buffer.from('this is no database at all, it is a poem about the sea'.repeat(100))],
    [
      'was damaged in the middle',
      (bytes: Buffer) => Buffer.concat([bytes.subarray(0, 4096), Buffer.alloc(bytes.length - 4096, 0x5a)]),
    ],
  ])('moves a file aside that %s, and starts anew', async (_what, damage) => {
    await store.desired.apply(at(1), [section('apps', 1)], []);
    await store.stop();
    const path = join(folder.path, 'agent.db');
    writeFileSync(path, damage(readFileSync(path)));
    await reopen();
    expect(store.desired.position).toBeNull();
    expect(readdirSync(folder.path).filter((name) => name.startsWith('agent.db.broken-2030'))).toHaveLength(1);
    expect(lines).toEqual(['the database was broken: moved aside, a new one made']);
    await store.desired.apply(at(1), [section('apps', 1)], []);
  });

  it.each<[string, (path: string) => Promise<void>]>([
    ['a folder lies in its place', (path) => mkdir(path)],
    ['a folder lies in the place of its log', (path) => mkdir(`${path}-wal`)],
    ['it is the database of something else', () => harm('CREATE TABLE position (x); PRAGMA user_version = 1')],
    ['its tables are there and its version is not', () => harm('CREATE TABLE position (epoch, revision)')],
  ])('starts anew, and keeps what was there, when %s', async (_what, damage) => {
    await store.stop();
    const path = join(folder.path, 'agent.db');
    for (const part of ['', '-wal', '-shm']) rmSync(path + part, { force: true });
    await damage(path);
    await reopen();
    expect(store.desired.position).toBeNull();
    expect(readdirSync(folder.path).some((name) => name.startsWith('agent.db.broken-'))).toBe(true);
    await store.desired.apply(at(1), [section('apps', 1)], []);
  });

  it.each(['9007199254740992', '-1', "'soon'", 'NULL'])(
    'at the revision %s asks for everything again, and touches nothing until it is there',
    async (revision) => {
      await store.desired.apply(at(5), [section('apps', 1)], []);
      await store.stop();
      await harm(`PRAGMA writable_schema = ON;
        UPDATE sqlite_schema SET sql = replace(sql, 'revision INTEGER NOT NULL', 'revision') WHERE name = 'position'`);
      await harm(`UPDATE position SET revision = ${revision}`);
      await reopen();
      expect(store.desired.position).toBeNull();
      expect(() => store.desired.read('apps', numbers)).toThrow('the hub sends it again');
      expect(store.desired.hashes().apps).not.toBe(section('apps', 1).hash);
      await store.desired.apply(at(5), [section('apps', 1)], []);
      expect(store.desired.position).toEqual(at(5));
    },
  );

  it('passes over stored values that are damaged, and no others', async () => {
    for (const slot of ['a/c', 'b/c', 'd/c']) await store.pins.set(slot, { image: 'web:1', digest: 'web@sha256:0' });
    await store.meta.set('k', 'v');
    await store.stop();
    await harm("UPDATE entries SET value = '{' WHERE key = 'a/c'; UPDATE entries SET value = x'00' WHERE key = 'b/c'");
    await reopen();
    expect([...store.pins.all().keys()]).toEqual(['d/c']);
    expect(store.meta.get('k')).toBe('v');
    expect(lines).toEqual(Array.from({ length: 2 }, () => 'passed over a stored value that is damaged'));
  });

  it.each<[string, (path: string) => Promise<void>]>([
    ['no database', (path) => writeFile(path, 'a poem about the sea'.repeat(100))],
    ['a folder', (path) => mkdir(path)],
  ])('names the lock that is %s', async (_what, damage) => {
    await store.stop();
    const path = join(folder.path, 'lock.db');
    rmSync(path);
    await damage(path);
    await expect(newStore().start()).rejects.toMatchObject({
      code: 'config_invalid',
      detail: `${path} is damaged: remove it and try again.`,
    });
    rmSync(path, { recursive: true });
    await reopen();
  });

  it('is for one agent at a time', async () => {
    await expect(newStore().start()).rejects.toMatchObject({
      code: 'data_folder_in_use',
      message: expect.stringContaining('data folder') as string,
    });
    await reopen();
  });

  it('says that a folder is of no use', async () => {
    const file = join(folder.path, 'file');
    writeFileSync(file, '');
    await expect(newStore(file).start()).rejects.toMatchObject({ code: 'config_invalid' });
  });

  it('forgets what belonged to another node, and nothing else', async () => {
    await store.claim('hub/default/a');
    await store.desired.apply(at(9), [section('apps', 1)], []);
    await store.claim('hub/default/a');
    expect(store.desired.position).toEqual(at(9));
    await store.claim('hub/default/b');
    await reopen();
    expect(store.desired.position).toBeNull();
    expect(store.desired.hashes()).toEqual({});
    await store.claim('hub/default/b');
    expect(existsSync(join(folder.path, 'agent.db'))).toBe(true);
  });

  it('rejects what it cannot write', async () => {
    await store.stop();
    await expect(store.meta.set('k', 'v')).rejects.toThrow('not open');
  });
});
