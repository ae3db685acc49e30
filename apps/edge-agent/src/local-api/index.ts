export { type AgentStatus } from './agent-status.js';
export { askAgent } from './ask-agent.js';
export { LocalApi, type LocalApiOptions } from './local-api.js';
