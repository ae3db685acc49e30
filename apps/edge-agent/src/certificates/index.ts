export {
  type Certificates,
  type CertificatesOptions,
  type CertificateStatus,
  createCertificates,
} from './create-certificates.js';
export { fetchCa } from './hub-http.js';
export { IdentityFile, type NodeIdentity } from './identity-file.js';
export { join, type JoinOptions, refuseSecond } from './join.js';
export { currentOf as validityOf } from './renewal.js';
