export { Desired } from './desired.js';
export { DesiredModule } from './desired.module.js';
export { type Contributor, DesiredRegistry } from './registry.js';
