import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join as path } from 'node:path';
import { EdgeError } from '@selvage/protocol';
import { freePort, type TempDir, tempDir } from '@selvage/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { IdentityFile, join, type JoinOptions } from './index.js';
import { TestHub } from './test-hub.js';

describe('joining', () => {
  let folder: TempDir;
  let hub: TestHub;
  let hubUrl: string;
  const options = (): JoinOptions => ({ folder: folder.path, hubUrl, token: hub.token('edge-1'), identity: 'keep' });
  const file = (name: string): string => path(folder.path, name);

  beforeEach(async () => {
    folder = tempDir();
    hub = await TestHub.create();
    hubUrl = await hub.listen();
  });
  afterEach(() => {
    hub.close();
    folder.remove();
  });

  it('writes down who this machine is, for itself alone', async () => {
    await join(options());
    const identity = await new IdentityFile(folder.path).load();
    expect(identity).toMatchObject({ hubUrl, project: 'default', node: 'edge-1', ca: hub.authority.root });
    expect(statSync(file('identity.json')).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder.path)).toEqual(['identity.json']);
    expect(hub.heard).toEqual(['/ca.pem', '/join']);
  });

  it('is done once, unless it is asked for anew', async () => {
    await join(options());
    await expect(join({ ...options(), token: hub.token('edge-2') })).rejects.toMatchObject({
      code: 'already_exists',
      message: expect.stringContaining('default/edge-1') as string,
    });
    await join({ ...options(), token: hub.token('edge-2'), identity: 'replace' });
    expect(await new IdentityFile(folder.path).load()).toMatchObject({ node: 'edge-2' });
  });

  it('says nothing to a hub with another authority', async () => {
    const other = await TestHub.create();
    await expect(join({ ...options(), token: other.token('edge-1') })).rejects.toMatchObject({ code: 'ca_mismatch' });
    expect(hub.heard).toEqual(['/ca.pem']);
    expect(readdirSync(folder.path)).toEqual([]);
  });

  it('says nothing to a hub whose certificate names another host', async () => {
    hub.close();
    hubUrl = await hub.listen(['elsewhere.test']);
    await expect(join(options())).rejects.toMatchObject({ code: 'certificate_invalid' });
    expect(hub.heard).toEqual(['/ca.pem']);
  });

  it('tries again with the same key after it failed half-way', async () => {
    hub.refuse = new EdgeError('overloaded', 'Wait.');
    await expect(join(options())).rejects.toMatchObject({ code: 'overloaded', detail: 'Wait.' });
    const { key } = JSON.parse(readFileSync(file('joining.json'), 'utf8')) as { key: string };
    expect(statSync(file('joining.json')).mode & 0o777).toBe(0o600);
    hub.refuse = undefined;
    expect(await join(options())).toMatchObject({ key });
    expect(existsSync(file('joining.json'))).toBe(false);
  });

  it.each([
    ['a certificate of another node', { node: 'edge-2' }],
    ['a certificate of another authority', { authority: 'other' }],
    ['no certificate', { chain: 'nothing' }],
  ])('takes over no answer with %s', async (_what, forged) => {
    const other = await TestHub.create();
    const wrong = await ('authority' in forged ? other : hub).identity({ project: 'default', node: 'edge-2' });
    hub.forge = (issued) => ({ ...issued, chain: 'chain' in forged ? forged.chain : wrong.chain });
    await expect(join(options())).rejects.toMatchObject({ code: 'certificate_invalid' });
    expect(existsSync(file('identity.json'))).toBe(false);
  });

  it('takes over no certificate for another key', async () => {
    const wrong = await hub.identity({ project: 'default', node: 'edge-1' });
    hub.forge = (issued) => ({ ...issued, chain: wrong.chain });
    await expect(join(options())).rejects.toMatchObject({ detail: expect.stringContaining('another key') as string });
  });

  it.each(['', 'selvage1.a.b', 'selvage1.default.edge-1.short.short'])('refuses %j as a token', async (token) => {
    await expect(join({ ...options(), token })).rejects.toMatchObject({ code: 'bad_request' });
    expect(hub.heard).toEqual([]);
  });

  it('says when nobody answers, or somebody without end', async () => {
    await expect(join({ ...options(), hubUrl: `https://127.0.0.1:${await freePort()}` })).rejects.toMatchObject({
      code: 'hub_unreachable',
    });
    const flood = createServer((_asked, answer) => answer.end('x'.repeat(1024 * 1024))).listen(0, '127.0.0.1');
    await once(flood, 'listening');
    const endless = `https://127.0.0.1:${(flood.address() as AddressInfo).port}`;
    await expect(join({ ...options(), hubUrl: endless })).rejects.toMatchObject({
      detail: expect.stringContaining('larger') as string,
    });
    flood.close();
  });

  it('tells that the file is damaged instead of joining as somebody else', async () => {
    writeFileSync(file('identity.json'), '{"hubUrl":');
    await expect(join(options())).rejects.toMatchObject({ code: 'key_file_unreadable' });
  });
});
