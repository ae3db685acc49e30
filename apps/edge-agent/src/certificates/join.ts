import { createHash, createPrivateKey, createPublicKey } from 'node:crypto';
import {
  EdgeError,
  enrolment,
  type IssuedCertificate,
  joinTokenText,
  type JoinTokenParts,
  nodeKey,
} from '@selvage/protocol';
import { caSha256, createCsr, hubId, newKeyPair, sameText } from '@selvage/pki';
import { checkIssued } from './check-issued.js';
import { fetchCa, post } from './hub-http.js';
import { IdentityFile, JoiningFile, type NodeIdentity } from './identity-file.js';

export interface JoinOptions {
  /** The data folder. */
  readonly folder: string;
  /** `https://host:port`. */
  readonly hubUrl: string;
  readonly token: string;
  /** The name that this machine is to have; it must be the token's. */
  readonly node?: string;
  /** Names and addresses of this machine, for devices that connect to its broker. */
  readonly hosts?: readonly string[];
  /** `replace` gives up what this machine was before. */
  readonly identity: 'keep' | 'replace';
}

/**
 * Trades a join token for a certificate and writes down who this machine is. The token is shown to nobody but a hub whose authority is
 * the one that the token names. With the same token it can be tried again, until it succeeded.
 * @throws EdgeError `already_exists` when this machine has joined before, `bad_request`, `ca_mismatch`, `hub_unreachable`, or the hub's.
 */
export async function join(options: JoinOptions): Promise<NodeIdentity> {
  const token = readToken(options.token);
  if (options.identity === 'keep') await refuseSecond(options.folder);
  const ca = await trustedCa(options.hubUrl, token);
  const joining = new JoiningFile(options.folder);
  const key = await keyFor(joining, options.token);
  const issued = await ask(options, ca, key);
  const node = { project: issued.project, node: issued.node };
  const { chain } = issued;
  for (const roots of [ca, issued.ca])
    checkIssued({ chain, ca: roots, key, node: { project: token.project, node: token.node } });
  const identity = { hubUrl: options.hubUrl, hub: hubId(ca), ...node, key, chain, ca: issued.ca };
  await new IdentityFile(options.folder).save(identity);
  await joining.remove();
  return identity;
}

function readToken(text: string): JoinTokenParts {
  const token = joinTokenText.safeParse(text);
  if (token.success) return token.data;
  throw new EdgeError('bad_request', 'This is not a join token: copy the whole of it, it begins with "selvage1.".');
}

/** @throws EdgeError `already_exists` when this machine has joined before. */
export async function refuseSecond(folder: string): Promise<void> {
  const before = await new IdentityFile(folder).load();
  if (before === undefined) return;
  throw new EdgeError(
    'already_exists',
    `This machine has already joined as ${nodeKey(before)} at ${before.hubUrl}; give --force to join anew.`,
  );
}

async function trustedCa(hubUrl: string, token: JoinTokenParts): Promise<string> {
  const ca = await fetchCa(hubUrl);
  if (sameText(hashOf(ca), token.caSha256)) return ca;
  throw new EdgeError('ca_mismatch', `The authority of ${hubUrl} is another one; nothing was sent to it.`);
}

function hashOf(ca: string): string {
  try {
    return caSha256(ca);
  } catch {
    return '';
  }
}

/** The key that this machine joins with, PEM; on the disk before it is used. */
async function keyFor(joining: JoiningFile, token: string): Promise<string> {
  const mark = createHash('sha256').update(token).digest('hex');
  const before = await joining.keyFor(mark);
  if (before !== undefined) return before;
  const { privateKey } = await newKeyPair();
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  await joining.save(mark, key);
  return key;
}

async function ask(
  { hubUrl, token, node, hosts = [] }: JoinOptions,
  ca: string,
  key: string,
): Promise<IssuedCertificate> {
  const privateKey = createPrivateKey(key);
  const csr = await createCsr({ privateKey, publicKey: createPublicKey(privateKey) });
  const { path, answer } = enrolment.join;
  return post({ hubUrl, path, ca, body: { token, csr, hosts, ...(node !== undefined && { node }) } }, answer);
}
