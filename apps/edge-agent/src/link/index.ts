export { type CallHandler, CallRegistry, type CallSink } from './calls.js';
export { Connection, type LinkIdentity } from './connection.js';
export { type DesiredSink, Link, type LinkOptions, type LinkStatus } from './link.js';
export { MAX_MESSAGE, MessageLink, type MessageLinkOptions } from './messages.js';
export type { ReportedSource } from './uplink.js';
