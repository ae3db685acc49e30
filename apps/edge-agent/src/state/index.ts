export { type DesiredStore } from './desired-store.js';
export { FolderLock } from './folder-lock.js';
export { Journal, type JournalOptions } from './journal.js';
export { ReportedStore } from './reported-store.js';
export { Store, type StoreOptions } from './store.js';
export { type OutboxStoreOptions, SqliteOutboxStore } from './outbox-store.js';
export { tryWrite } from './try-write.js';
