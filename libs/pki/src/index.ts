export {
  Authority,
  type AuthorityFiles,
  type ClientIdentity,
  type Issued,
  type Lifetime,
  subjectOf,
} from './authority.js';
export { type AuthorityFileOptions, openAuthority } from './authority-file.js';
export { serialOf } from './certificate.js';
export { checkCsr, createCsr, type Csr, readCsr } from './csr.js';
export { exists, readOrCreateKey, syncFolder, writePrivate } from './files.js';
export {
  caSha256,
  fingerprintOf,
  hubId,
  keyFingerprint,
  readCertificate,
  sameText,
  type ShownCertificate,
  splitChain,
} from './fingerprint.js';
export { checkHub } from './hub-check.js';
export { commonName, type Identity, identityOf, identityUri, nodeIdentity } from './identity.js';
export { type KeyPair, newKeyPair } from './keys.js';
export { hashPassword, verifyPassword } from './password.js';
export { checkRenewal, signRenewal } from './proof.js';
export { deriveKey, seal, unseal } from './sealed.js';
export { daysLeft, judge, type Judgement, renewAt, type Validity } from './validity.js';
