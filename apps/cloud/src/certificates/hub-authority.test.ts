import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type TempDir, tempDir } from '@selvage/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CertificatesStage } from './test-stage.js';

describe('the authority of a hub whose database knows it', () => {
  let folder: TempDir;
  let stage: CertificatesStage;
  let file: string;
  beforeEach(async () => {
    folder = tempDir();
    stage = await CertificatesStage.open(folder.path, undefined);
    stage.authority.stop();
    file = join(stage.config.data, 'authority.json');
  });
  afterEach(async () => {
    await stage.close();
    folder.remove();
  });

  it('is opened again', async () => {
    const { hubId } = stage.authority;
    await stage.authority.start();
    expect(stage.authority.hubId).toBe(hubId);
  });

  it('is not made anew when it was lost', async () => {
    rmSync(file);
    const words = new RegExp(`missing.*authority ${stage.authority.authority.rootSha256.slice(0, 12)}…; restore`);
    await expect(stage.authority.start()).rejects.toThrow(words);
    expect(existsSync(file)).toBe(false);
  });

  it('is not made anew when it was lost before the database took note of it', async () => {
    await stage.joined({ project: 'default', node: 'n1' });
    await stage.db.write((tx) => tx.query('UPDATE settings SET authority = NULL'));
    rmSync(file);
    await expect(stage.authority.start()).rejects.toMatchObject({ code: 'key_file_unreadable' });
    expect(existsSync(file)).toBe(false);
  });

  it('is not taken for that of another hub', async () => {
    await stage.db.setMark('authority', 'another');
    await expect(stage.authority.start()).rejects.toThrow(/is another one.*authority another…/);
  });
});
