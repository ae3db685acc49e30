/** `npm run dev-certs`: certificates as the hub makes them, in `certs/dev`, to try things with openssl, curl or mosquitto. */
import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import {
  createCsr,
  hubId,
  type Issued,
  type KeyPair,
  newKeyPair,
  openAuthority,
  subjectOf,
  writePrivate,
} from '@selvage/pki';

const DAYS = 90;
const HOSTS = ['localhost', '127.0.0.1', '::1'];
const NODE = { project: 'default', node: 'dev' };

// npm runs this in the root of the checkout.
const folder = resolve('certs', 'dev');
const now = Date.now();

await rm(folder, { recursive: true, force: true });
// The passphrase keeps nobody out: what these certificates prove is worth nothing anywhere.
const authority = await openAuthority(resolve(folder, 'authority.json'), {
  passphrase: 'development',
  now,
  name: 'Selvage development',
});
await writePrivate(resolve(folder, 'ca.pem'), authority.root);

const hub = await newKeyPair();
const subject = { publicKey: hub.publicKey, name: hubId(authority.root), hosts: HOSTS };
await save('hub', hub, await authority.issueHub(subject, { days: DAYS, now }));

const node = await newKeyPair();
await save('node', node, await authority.issueNode(await createCsr(node), NODE, { days: DAYS, now }));

/** Writes a key and its certificate with the intermediate that signed it. */
async function save(name: string, { privateKey }: KeyPair, issued: Issued): Promise<void> {
  await writePrivate(resolve(folder, `${name}.key`), privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  await writePrivate(resolve(folder, `${name}.pem`), issued.chain);
  process.stdout.write(
    `certs/dev/${name}.pem  ${subjectOf(issued)}, until ${new Date(issued.notAfter).toISOString()}\n`,
  );
}
