export { type CallRequest, Calls } from './calls.js';
export { type Admission, type Gate, GateRegistry } from './gate.js';
export { type InboundHandler, InboundRegistry, type InboundReport } from './inbound.js';
export { LinkModule, linkSchema } from './link.module.js';
export {
  type InboundMessage,
  type JsonMessage,
  type MessageHandler,
  MessageRegistry,
  type Refuse,
} from './messages.js';
export { MessagePositions } from './messages-positions.service.js';
export { saidIn } from './said.js';
export { ReportedHashes } from './reported-hashes.service.js';
export type { Session, Stored } from './session.js';
export { type SessionListener, Sessions } from './sessions.js';
export { type PortHandler, type PortRequest, type ServerCredentials, TlsPort } from './tls-port.js';
