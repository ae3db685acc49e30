export { Agent, type AgentOptions } from './agent.js';
export { type AgentConfig, dataFolder, readConfig } from './config.js';
export { type AgentStatus } from './local-api/index.js';
