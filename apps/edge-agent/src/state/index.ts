export { type DesiredStore } from './desired-store.js';
export { FolderLock } from './folder-lock.js';
export { ReportedStore } from './reported-store.js';
export { Store, type StoreOptions } from './store.js';
