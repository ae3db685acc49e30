import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Authority, createCsr, type KeyPair, newKeyPair } from '@selvage/pki';

const DEVICE = { kind: 'device', project: 'default', name: 'bench' } as const;

/** Writes the certificates of a broker and of one device into a folder, as our hub makes them; gives the device's fingerprint. */
export async function writeCertificates(folder: string): Promise<string> {
  const [now, passphrase] = [Date.now(), 'bench'];
  const authority = Authority.load(await Authority.create({ passphrase, now, name: 'bench' }), passphrase);
  const [server, device] = [await newKeyPair(), await newKeyPair()];
  const hosts = ['127.0.0.1'];
  const csr = await createCsr(server);
  const issued = await authority.issueNode(csr, { project: 'default', node: 'bench', hosts }, { days: 2, now });
  const client = await authority.issueClient(await createCsr(device), DEVICE, { days: 2, now });
  const files = { 'ca.pem': authority.root, 'server.pem': issued.chain, 'client.pem': client.chain };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  for (const [name, pair] of Object.entries({ 'server.key': server, 'client.key': device }))
    writeFileSync(join(folder, name), pem(pair), { mode: 0o600 });
  return client.fingerprint;
}

function pem({ privateKey }: KeyPair): string {
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}
