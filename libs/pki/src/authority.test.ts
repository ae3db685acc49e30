import { execFileSync } from 'node:child_process';
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect, createServer } from 'node:tls';
import { type TempDir, tempDir } from '@selvage/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Authority, type Issued } from './authority.js';
import { openAuthority } from './authority-file.js';
import { createCsr } from './csr.js';
import { caSha256, splitChain } from './fingerprint.js';
import { identityOf } from './identity.js';
import { type KeyPair, newKeyPair } from './keys.js';

const now = Date.now();
const lifetime = { days: 90, now };
const local = { project: 'default', node: 'local' };
const options = { passphrase: 'a pass phrase', now, name: 'test' };

describe('an authority', () => {
  let folder: TempDir;
  let authority: Authority;
  let keys: KeyPair;
  let node: Issued;
  const file = (name: string, text: string): string => {
    const path = join(folder.path, name);
    writeFileSync(path, text);
    return path;
  };
  const openssl = (...args: string[]): string => execFileSync('openssl', args, { encoding: 'utf8' });

  beforeAll(async () => {
    folder = tempDir();
    authority = await openAuthority(join(folder.path, 'pki', 'authority.json'), options);
    keys = await newKeyPair();
    node = await authority.issueNode(await createCsr(keys), local, lifetime);
  });
  afterAll(() => {
    folder.remove();
  });

  it('issues certificates that openssl verifies up to the root', () => {
    const [leaf = '', intermediate = ''] = splitChain(node.chain);
    const [root, middle, end] = [
      file('root.pem', authority.root),
      file('middle.pem', intermediate),
      file('leaf.pem', leaf),
    ];
    expect(
      openssl('verify', '-x509_strict', '-purpose', 'sslclient', '-CAfile', root, '-untrusted', middle, end),
    ).toContain('OK');
    const text = openssl('x509', '-in', end, '-noout', '-text');
    expect(text).toMatch(/Basic Constraints: critical\s+CA:FALSE/);
    expect(text).toContain('URI:urn:selvage:node:default:local');
    expect(text).toMatch(/Key Usage: critical\s+Digital Signature/);
    expect(text).toMatch(/Extended Key Usage:\s+TLS Web Client Authentication\n/);
    expect(text).toContain('Subject: O = Selvage, OU = node, CN = default/local');
  });

  it('says whom a certificate identifies, and how long', () => {
    expect(identityOf(new X509Certificate(node.chain))).toEqual({ kind: 'node', project: 'default', name: 'local' });
    expect(Math.abs(node.notAfter - (now + 90 * 86_400_000))).toBeLessThan(1000);
    expect(node.notBefore).toBeLessThan(now);
    expect(node.serial).toMatch(/^[4-7][0-9a-f]{31}$/);
  });

  it('keeps its keys encrypted in a private file and opens again with the same passphrase only', async () => {
    const path = join(folder.path, 'pki', 'authority.json');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder.path, 'pki')).mode & 0o777).toBe(0o700);
    expect(readFileSync(path, 'utf8')).not.toContain('BEGIN PRIVATE KEY');
    const again = await openAuthority(path, options);
    expect(again.rootSha256).toBe(authority.rootSha256);
    await expect(openAuthority(path, { ...options, passphrase: 'wrong' })).rejects.toMatchObject({
      code: 'key_file_unreadable',
    });
  });

  it.each(['', '{}', '{"rootCertificate":1}', 'not json'])('is not opened from %j', async (text) => {
    await expect(openAuthority(file('damaged.json', text), options)).rejects.toMatchObject({
      code: 'key_file_unreadable',
    });
  });

  it('gives the hash that openssl gives', () => {
    const root = file('root.pem', authority.root);
    const hex =
      openssl('x509', '-in', root, '-noout', '-fingerprint', '-sha256').split('=')[1]?.replace(/[:\s]/g, '') ?? '';
    expect(caSha256(authority.root)).toBe(Buffer.from(hex, 'hex').toString('base64url'));
  });

  it('writes dates from 2050 on as RFC 5280 wants them', async () => {
    const late = await authority.issueNode(await createCsr(keys), local, { days: 365 * 40, now });
    expect(openssl('x509', '-in', file('late.pem', late.chain), '-noout', '-enddate')).toMatch(/20[67]\d GMT/);
  });

  it('serves a handshake in which both sides check the other', async () => {
    const hubKeys = await newKeyPair();
    const hosts = ['localhost', '127.0.0.1', '::1', 'fe80::1:2'];
    const hub = await authority.issueHub({ publicKey: hubKeys.publicKey, name: 'hub', hosts }, lifetime);
    const pem = (pair: KeyPair): string => pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const trust = { ca: authority.root, minVersion: 'TLSv1.2' as const };
    const server = createServer({
      ...trust,
      cert: hub.chain,
      key: pem(hubKeys),
      requestCert: true,
      rejectUnauthorized: true,
    });
    server.listen(0, 'localhost');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const secured = once(server, 'secureConnection');
    const client = connect({ ...trust, host: 'localhost', port, cert: node.chain, key: pem(keys) });
    await Promise.all([secured, once(client, 'secureConnect')]);
    expect(client.authorized).toBe(true);
    client.destroy();
    server.close();
    expect(new X509Certificate(hub.chain).subjectAltName).toContain('IP Address:FE80:0:0:0:0:0:1:2');
  });

  it.each([
    ['RSA', () => generateKeyPairSync('rsa', { modulusLength: 2048 })],
    ['Ed25519', () => generateKeyPairSync('ed25519')],
    ['P-384', () => generateKeyPairSync('ec', { namedCurve: 'P-384' })],
  ])('certifies a key of kind %s', async (_kind, make) => {
    const issued = await authority.issueNode(await createCsr(make()), local, lifetime);
    const leaf = file('kind.pem', splitChain(issued.chain)[0] ?? '');
    expect(
      openssl('verify', '-CAfile', join(folder.path, 'root.pem'), '-untrusted', join(folder.path, 'middle.pem'), leaf),
    ).toContain('OK');
  });

  it('knows what it signed, and what another authority of the same name signed', async () => {
    const other = await openAuthority(join(folder.path, 'other', 'authority.json'), options);
    const foreign = await other.issueNode(await createCsr(keys), local, lifetime);
    expect(authority.signed(new X509Certificate(node.chain))).toBe(true);
    expect(authority.signed(new X509Certificate(foreign.chain))).toBe(false);
    expect(createPrivateKey(keys.privateKey.export({ type: 'pkcs8', format: 'pem' })).type).toBe('private');
  });
});
