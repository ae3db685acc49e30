export { HubConfig } from './config.js';
export { createHub, type Hub, type HubAddresses } from './create-hub.js';
export { createLog } from './log/index.js';
