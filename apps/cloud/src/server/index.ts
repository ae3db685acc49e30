export { createAdapter, takeJsonOnly } from './adapter.js';
export { addDocs } from './docs.js';
export { addGateway } from './gateway.js';
export { addHome } from './home.js';
export { addProbes, measureRequests, type Probes } from './plain-routes.js';
export { addSecurityHeaders } from './security.js';
