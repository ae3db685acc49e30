export * from './fake-clock.js';
export * from './free-port.js';
export * from './images.js';
export * from './postgres.js';
export * from './registry.js';
export * from './temp-dir.js';
export * from './until.js';
