import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { type TempDir, tempDir } from '@selvage/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkCsr, createCsr, readCsr } from './csr.js';
import { nodeIdentity } from './identity.js';
import { newKeyPair } from './keys.js';

const identity = nodeIdentity({ project: 'default', node: 'local' });

describe('a signing request', () => {
  let folder: TempDir;
  beforeAll(() => {
    folder = tempDir();
  });
  afterAll(() => {
    folder.remove();
  });

  /** A request as openssl makes it: `key` are arguments of `genpkey`, `more` lines of the request's configuration. */
  function openssl(key: string[], { subject = '/CN=default\\/local', extensions = '' } = {}): string {
    const [keyPath, config, out] = ['key.pem', 'req.cnf', 'req.pem'].map((name) => join(folder.path, name)) as [
      string,
      string,
      string,
    ];
    writeFileSync(
      config,
      `[req]\ndistinguished_name=dn\n${extensions === '' ? '' : `req_extensions=ext\n`}[dn]\n[ext]\n${extensions}\n`,
    );
    execFileSync('openssl', ['genpkey', ...key, '-out', keyPath], { stdio: 'ignore' });
    execFileSync('openssl', ['req', '-new', '-key', keyPath, '-config', config, '-subj', subject, '-out', out], {
      stdio: 'ignore',
    });
    return readFileSync(out, 'utf8');
  }
  const P256 = ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'];

  it('of ours is one that openssl verifies', async () => {
    const pem = await createCsr(await newKeyPair(), 'default/local');
    const path = join(folder.path, 'ours.pem');
    writeFileSync(path, pem);
    const said = execFileSync('openssl', ['req', '-in', path, '-verify', '-noout', '-subject'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    expect(said).toContain('CN = default/local');
  });

  it.each([
    ['P-256', P256],
    ['P-384', ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384']],
    ['Ed25519', ['-algorithm', 'ED25519']],
    ['RSA 2048', ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048']],
  ])('by openssl with a %s key is accepted', async (_kind, key) => {
    const csr = await readCsr(openssl(key));
    expect(csr.commonName).toBe('default/local');
    expect(() => {
      checkCsr(csr, identity);
    }).not.toThrow();
  });

  it.each([
    ['secp256k1', ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:secp256k1'], 'secp256k1'],
    ['P-521', ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-521'], 'secp521r1'],
    ['RSA 1024', ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024'], '1024 bits'],
    [
      'RSA with exponent 3',
      ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-pkeyopt', 'rsa_keygen_pubexp:3'],
      'exponent 3',
    ],
    ['Ed448', ['-algorithm', 'ED448'], 'ed448'],
  ])('with a %s key is refused, naming it', async (_kind, key, says) => {
    await expect(readCsr(openssl(key))).rejects.toMatchObject({
      code: 'csr_refused',
      detail: expect.stringContaining(says) as string,
    });
  });

  it.each([
    ["someone else's name", { subject: '/CN=default\\/other' }, 'default/other'],
    ['a CA flag', { extensions: 'basicConstraints=CA:TRUE' }, 'authority'],
    ['a CA flag that is critical', { extensions: 'basicConstraints=critical,CA:TRUE' }, 'authority'],
    [
      "someone else's alternative name",
      { extensions: 'subjectAltName=URI:urn:selvage:node:default:other' },
      'default:other',
    ],
    ['a DNS name', { extensions: 'subjectAltName=DNS:hub.example.com' }, 'hub.example.com'],
  ])('for %s is refused, naming it', async (_what, asked, says) => {
    const csr = await readCsr(openssl(P256, asked));
    expect(() => {
      checkCsr(csr, identity);
    }).toThrow(says);
  });

  it('without a subject, or with exactly its own names, is fine', async () => {
    checkCsr(await readCsr(await createCsr(await newKeyPair())), identity);
    checkCsr(
      await readCsr(openssl(P256, { extensions: 'subjectAltName=URI:urn:selvage:node:default:local' })),
      identity,
    );
  });

  it('with a changed byte is refused or still the same request, and never crashes', async () => {
    const pem = await createCsr(await newKeyPair(), 'default/local');
    const bytes = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64');
    const original = readCsr(pem);
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ change;
        const text = `-----BEGIN CERTIFICATE REQUEST-----\n${changed.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;
        const read = await readCsr(text).catch((error: unknown) => error);
        if (!(read instanceof Error))
          expect(read).toMatchObject({ spki: (await original).spki, commonName: 'default/local' });
        else expect(read).toMatchObject({ code: 'csr_refused' });
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    '',
    'x',
    '-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----',
    'A'.repeat(20_000),
  ])('is not %j', async (text) => {
    await expect(readCsr(text)).rejects.toMatchObject({ code: 'csr_refused' });
  });
});
