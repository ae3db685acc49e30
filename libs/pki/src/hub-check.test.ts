import { X509Certificate } from 'node:crypto';
import type { PeerCertificate } from 'node:tls';
import { beforeAll, describe, expect, it } from 'vitest';
import { Authority } from './authority.js';
import { createCsr } from './csr.js';
import { checkHub } from './hub-check.js';
import { newKeyPair } from './keys.js';

const lifetime = { days: 1, now: Date.now() };
const asPeer = (chain: string): PeerCertificate => new X509Certificate(chain).toLegacyObject();

describe('a certificate of our authority', () => {
  let hub: PeerCertificate;
  let node: PeerCertificate;
  let plain: X509Certificate;

  beforeAll(async () => {
    const authority = Authority.load(await Authority.create({ passphrase: 'x', now: lifetime.now, name: 'test' }), 'x');
    const keys = await newKeyPair();
    const hosts = ['hub.example', '10.0.0.1'];
    const csr = await createCsr(keys);
    hub = asPeer((await authority.issueHub({ publicKey: keys.publicKey, name: 'hub', hosts }, lifetime)).chain);
    node = asPeer((await authority.issueNode(csr, { project: 'p', node: 'n', hosts }, lifetime)).chain);
    plain = new X509Certificate((await authority.issueNode(csr, { project: 'p', node: 'n' }, lifetime)).chain);
  });

  it.each(['hub.example', '10.0.0.1'])("is a hub's when it is, under each of its names: %s", (host) => {
    expect(checkHub(host, hub)).toBeUndefined();
  });

  it("is not a hub's under another name", () => {
    expect(checkHub('elsewhere.example', hub)).toBeInstanceOf(Error);
  });

  it("is not a hub's when it is a node's, whatever names the node chose", () => {
    expect(checkHub('hub.example', node)).toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
    expect(node.subjectaltname).toContain('DNS:hub.example');
  });

  it('serves nobody when its node gave no names', () => {
    expect(plain.subjectAltName).toBe('URI:urn:selvage:node:p:n');
    expect((plain.toLegacyObject() as PeerCertificate & { ext_key_usage: string[] }).ext_key_usage).toEqual([
      '1.3.6.1.5.5.7.3.2',
    ]);
  });
});
