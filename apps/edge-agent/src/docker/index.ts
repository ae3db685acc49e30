export type * from './docker.js';
export { registryUnreachable } from './docker-errors.js';
export { DockerodeDocker } from './dockerode-docker.js';
export { type EngineListener, EngineWatcher, type WatcherOptions } from './watcher.js';
