export { apps } from './apps.js';
export { clients, deviceModels, devices } from './devices.js';
export { everything } from './listing.js';
export { type Filter, labelText, type Noun } from './noun.js';
export { nodes } from './nodes.js';
export { messageEndpoints, routes, routeWay } from './routes.js';
export { audit, certificates, projects, secrets, tokens } from './others.js';
