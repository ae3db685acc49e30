import { mkdir, mkdtemp, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mountSource } from './mounts.js';

describe('a host path', () => {
  let root: string;
  let allowed: string;
  beforeEach(async () => {
    root = await realpath(await mkdtemp(join(tmpdir(), 'mounts-')));
    allowed = join(root, 'allowed');
    await mkdir(join(allowed, 'folder'), { recursive: true });
    await mkdir(join(root, 'secret'));
    await writeFile(join(allowed, 'file'), '');
    await writeFile(join(root, 'secret', 'docker.sock'), '');
    await symlink(join(root, 'secret'), join(allowed, 'escape'));
    await symlink(join(root, 'secret', 'later'), join(allowed, 'dangling'));
    await symlink(allowed, join(root, 'alias'));
  });
  afterEach(() => rm(root, { recursive: true }));
  const source = (path: string, protect: string[] = []): Promise<string> =>
    mountSource(join(root, path), { allow: [allowed], protect });

  it.each(['allowed', 'allowed/folder', 'allowed/file'])('under the allow-list is mounted: %s', async (path) => {
    expect(await source(path)).toBe(join(root, path));
  });

  it('that is a link into the allow-list is mounted where the link leads', async () => {
    expect(await source('alias/folder')).toBe(join(allowed, 'folder'));
  });

  it('that does not exist is made', async () => {
    expect(await source('alias/new/deep')).toBe(join(allowed, 'new', 'deep'));
    const made = await stat(join(allowed, 'new', 'deep'));
    expect(made.isDirectory()).toBe(true);
    expect(made.mode & 0o777).toBe(0o755);
  });

  it.each(['secret', 'allowed-too', 'allowed/escape', 'allowed/escape/new', 'allowed/dangling', 'allowed/dangling/x'])(
    'that is not under the allow-list, or leads out of it, is refused: %s',
    async (path) => {
      await expect(source(path)).rejects.toMatchObject({ code: 'mount_forbidden' });
      await expect(stat(join(root, 'secret', 'later'))).rejects.toThrow();
      await expect(stat(join(root, 'secret', 'new'))).rejects.toThrow();
    },
  );

  it.each(['allowed/folder', 'allowed/folder/inner', 'allowed'])(
    'that gives what is protected is refused: %s',
    async (path) => {
      await expect(source(path, [join(allowed, 'folder')])).rejects.toMatchObject({ code: 'mount_forbidden' });
    },
  );

  it('is refused when the list is empty, and the refusal says so', async () => {
    const refusal = mountSource(allowed, { allow: [], protect: [] });
    await expect(refusal).rejects.toMatchObject({ detail: expect.stringContaining('which is empty') as string });
  });
});
