/** Where the Docker engine of a node is asked for, as its agent decides it. Plain Node: it runs before anything is installed. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const DEFAULT_SOCKET = '/var/run/docker.sock';

/**
 * @typedef {object} EngineSocket
 * @property {string | undefined} path undefined when what is set is no socket of this machine
 * @property {string | undefined} setBy what asks for another socket than the default one, in words
 */

/**
 * The same answer as `apps/edge-agent/src/config.ts`: SELVAGE_DOCKER_SOCKET, then `agent.json`, then DOCKER_HOST, then the default. A
 * setting that the agent refuses is passed over here, since the agent says it better.
 * @returns {EngineSocket}
 */
export function engineSocket(env, agentFolder) {
  const fromFile = agentFolder && settingIn(join(agentFolder, 'agent.json'));
  if (env.SELVAGE_DOCKER_SOCKET) return setTo(env.SELVAGE_DOCKER_SOCKET, 'SELVAGE_DOCKER_SOCKET');
  if (fromFile) return setTo(fromFile, join(agentFolder, 'agent.json'));
  if (env.DOCKER_HOST) return setTo(/^unix:\/\/(\/.+)$/.exec(env.DOCKER_HOST)?.[1], 'DOCKER_HOST');
  return { path: DEFAULT_SOCKET, setBy: undefined };
}

function setTo(path, setBy) {
  return { path, setBy: path === DEFAULT_SOCKET ? undefined : setBy };
}

function settingIn(file) {
  if (!existsSync(file)) return undefined;
  try {
    const { dockerSocket } = JSON.parse(readFileSync(file, 'utf8'));
    return typeof dockerSocket === 'string' ? dockerSocket : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
}
