export { decodeDown, decodeUp, encodeFrame } from './codec.js';
export { compare, contentHash, digest, sectionValue, toSection } from './hashes.js';
export { decodeRouted, encodeRouted } from './routed.js';
