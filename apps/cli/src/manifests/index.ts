export { NOUN_OF, readManifests, spelledName, type Target } from './read-manifests.js';
