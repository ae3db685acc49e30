import { createHash, type KeyObject, randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import { content, decode, der, type DerNode, encode, parts, toPem } from './der.js';
import type { ShownCertificate } from './fingerprint.js';
import { commonName, type Identity, identityUri } from './identity.js';
import { signatureAlgorithm, signBytes } from './keys.js';

const BACKDATE_MS = 5 * 60_000;
const OID = {
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  organizationalUnit: '2.5.4.11',
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  altName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyId: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  server: '1.3.6.1.5.5.7.3.1',
  client: '1.3.6.1.5.5.7.3.2',
};

/** Who signs: a name and its key; `self` for a root. */
export interface Issuer {
  readonly name: string;
  readonly spki: Buffer;
  readonly key: KeyObject;
}

export type Profile =
  | { readonly kind: 'authority'; readonly name: string; readonly pathLength?: number }
  /** `hosts`: DNS names and IP addresses under which a hub, or the broker of a node, is reached. */
  | { readonly kind: 'leaf'; readonly identity: Identity; readonly hosts?: readonly string[] };

/** `from` and `to` are epoch milliseconds; the certificate begins five minutes earlier, for clocks that are slow. */
export interface CertificateRequest {
  readonly profile: Profile;
  readonly spki: Buffer;
  readonly issuer: Issuer;
  readonly from: number;
  readonly to: number;
}

/** Builds and signs an X.509 certificate [RFC 5280]; gives PEM. */
export async function signCertificate(request: CertificateRequest): Promise<string> {
  const { profile, spki, issuer, from, to } = request;
  const algorithm = signatureAlgorithm(issuer.key);
  const body = der.sequence(
    der.tagged(0, der.integer(Buffer.of(2))),
    der.integer(newSerial()),
    algorithm,
    distinguishedName(issuer.name, 'authority'),
    der.sequence(der.time(new Date(from - BACKDATE_MS)), der.time(new Date(to))),
    profile.kind === 'authority'
      ? distinguishedName(profile.name, 'authority')
      : distinguishedName(commonName(profile.identity), profile.identity.kind),
    der.raw(spki),
    der.tagged(3, der.sequence(...extensions(profile, spki, issuer))),
  );
  const signature = await signBytes(encode(body), issuer.key);
  return toPem(encode(der.sequence(body, algorithm, der.bits(signature))), 'CERTIFICATE');
}

/** Serial number as lowercase hexadecimal, the way the API and the database write it. */
export function serialOf(certificate: Pick<ShownCertificate, 'serialNumber'>): string {
  return certificate.serialNumber.toLowerCase();
}

/** Common name of a certificate's subject or issuer line as Node prints it (`CN=…`). */
export function commonNameOf(distinguished: string): string {
  return /(?:^|\n)CN=(.*)/.exec(distinguished)?.[1] ?? '';
}

function extensions(profile: Profile, spki: Buffer, issuer: Issuer): DerNode[] {
  const keyIds = [
    extension(OID.subjectKeyId, der.octets(keyId(spki))),
    extension(OID.authorityKeyId, der.sequence(der.taggedBytes(0, keyId(issuer.spki)))),
  ];
  return [...(profile.kind === 'authority' ? authorityExtensions(profile) : leafExtensions(profile)), ...keyIds];
}

function authorityExtensions({ pathLength }: { pathLength?: number }): DerNode[] {
  const limit = pathLength === undefined ? [] : [der.integer(Buffer.of(pathLength))];
  return [
    critical(OID.basicConstraints, der.sequence(der.boolean(true), ...limit)),
    // keyCertSign and cRLSign
    critical(OID.keyUsage, der.bits(Buffer.of(0b0000_0110), 1)),
  ];
}

function leafExtensions({ identity, hosts = [] }: { identity: Identity; hosts?: readonly string[] }): DerNode[] {
  const serves = hosts.length > 0 ? [der.oid(OID.server)] : [];
  const usages = [...serves, der.oid(OID.client)];
  const uri = der.taggedBytes(6, Buffer.from(identityUri(identity), 'latin1'));
  return [
    critical(OID.basicConstraints, der.sequence()),
    // digitalSignature
    critical(OID.keyUsage, der.bits(Buffer.of(0b1000_0000), 7)),
    extension(OID.extendedKeyUsage, der.sequence(...usages)),
    extension(OID.altName, der.sequence(uri, ...hosts.map(hostName))),
  ];
}

function hostName(host: string): DerNode {
  return isIP(host) === 0 ? der.taggedBytes(2, Buffer.from(host, 'latin1')) : der.taggedBytes(7, addressBytes(host));
}

function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
  const [before, after] = [groups(head), groups(tail ?? '')];
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => 0);
  return Buffer.from([...before, ...zeros, ...after].flatMap((group) => [group >> 8, group & 0xff]));
}

function distinguishedName(common: string, unit: string): DerNode {
  const names = [
    [OID.organization, 'Selvage'],
    [OID.organizationalUnit, unit],
    [OID.commonName, common],
  ] as const;
  return der.sequence(...names.map(([type, value]) => der.set(der.sequence(der.oid(type), der.utf8(value)))));
}

/** 128 random bits, positive and never zero. */
function newSerial(): Buffer {
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  return serial;
}

/** SHA-256 over the key's bits, cut to 160 bits [RFC 7093]. */
function keyId(spki: Buffer): Buffer {
  const bits = content(parts(decode(spki))[1]).subarray(1);
  return createHash('sha256').update(bits).digest().subarray(0, 20);
}

function extension(type: string, value: DerNode): DerNode {
  return der.sequence(der.oid(type), der.octets(encode(value)));
}

function critical(type: string, value: DerNode): DerNode {
  return der.sequence(der.oid(type), der.boolean(true), der.octets(encode(value)));
}
