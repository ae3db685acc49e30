import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Authority } from './authority.js';
import { createCsr } from './csr.js';
import { newKeyPair } from './keys.js';
import { checkRenewal, signRenewal } from './proof.js';

const now = Date.now();
const passphrase = 'a pass phrase';

describe('a proof of renewal', () => {
  const issue = async (keys: {
    publicKey: import('node:crypto').KeyObject;
    privateKey: import('node:crypto').KeyObject;
  }): Promise<string> => {
    const authority = Authority.load(await Authority.create({ passphrase, now, name: 'test' }), passphrase);
    const issued = await authority.issueNode(
      await createCsr(keys),
      { project: 'p', node: 'n' },
      { days: 1, now: now - 10 * 86_400_000 },
    );
    return issued.chain;
  };

  it.each([
    ['P-256', () => generateKeyPairSync('ec', { namedCurve: 'P-256' })],
    ['Ed25519', () => generateKeyPairSync('ed25519')],
    ['RSA', () => generateKeyPairSync('rsa', { modulusLength: 2048 })],
  ])('with a %s key holds, though the certificate expired', async (_kind, make) => {
    const keys = make();
    const [certificate, csr] = [await issue(keys), await createCsr(await newKeyPair())];
    const proof = await signRenewal({ certificate, csr, key: keys.privateKey });
    expect((await checkRenewal({ certificate, csr, proof })).subject).toContain('CN=p/n');
  });

  it('holds for no other request, no other certificate and no other key', async () => {
    const keys = await newKeyPair();
    const [certificate, csr] = [await issue(keys), await createCsr(await newKeyPair())];
    const proof = await signRenewal({ certificate, csr, key: keys.privateKey });
    const others = [
      { certificate, csr: await createCsr(await newKeyPair()), proof },
      { certificate: await issue(keys), csr, proof },
      { certificate, csr, proof: await signRenewal({ certificate, csr, key: (await newKeyPair()).privateKey }) },
      { certificate, csr, proof: '' },
    ];
    for (const other of others)
      await expect(checkRenewal(other)).rejects.toMatchObject({ code: 'certificate_invalid' });
  });

  it.each([
    ['certificate', 'certificate_invalid'],
    ['csr', 'csr_refused'],
  ])('with garbage as %s is refused', async (field, code) => {
    const keys = await newKeyPair();
    const [certificate, csr] = [await issue(keys), await createCsr(keys)];
    const good = { certificate, csr, proof: await signRenewal({ certificate, csr, key: keys.privateKey }) };
    await expect(checkRenewal({ ...good, [field]: 'garbage' })).rejects.toMatchObject({ code });
  });
});
