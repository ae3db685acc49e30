export { readManifests, spelledName, type Target } from './read-manifests.js';
