export { type Apps, type AppsOptions, createApps } from './create-apps.js';
export { type Owner, ownerLabels } from './labels.js';
