export { decodeDown, decodeRouted, decodeUp, encodeFrame, encodeRouted } from './codec.js';
export { compare, contentHash, digest, sectionValue, toSection } from './hashes.js';
