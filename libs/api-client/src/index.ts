export type { CallArguments, CallOptions, Input } from './call-input.js';
export { type Client, type ClientOptions, createClient } from './client.js';
export type { LiveEvent } from './live-events.js';
