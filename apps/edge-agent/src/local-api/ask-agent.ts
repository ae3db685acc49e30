import { readFile } from 'node:fs/promises';
import { get } from 'node:http';
import { join } from 'node:path';
import { EdgeError } from '@selvage/protocol';
import { z } from 'zod';
import { agentStatus, type AgentStatus } from './agent-status.js';

const DEADLINE_MS = 5_000;
const MAX_ANSWER = 16 * 1024 * 1024;
const apiFile = z.object({ port: z.int() });

/**
 * Asks the agent that runs on a data folder how it is.
 * @throws EdgeError `node_offline` when none runs there.
 */
export async function askAgent(folder: string): Promise<AgentStatus> {
  try {
    const { port } = apiFile.parse(JSON.parse(await readFile(join(folder, 'api.json'), 'utf8')));
    return agentStatus.parse(JSON.parse(await read(port)));
  } catch (cause) {
    throw new EdgeError(
      'node_offline',
      `No agent answers for ${folder}: start it with "selvage-agent run --data ${folder}".`,
      {
        cause,
      },
    );
  }
}

function read(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path: '/status', agent: false, timeout: DEADLINE_MS };
    const request = get(options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        if (text.length > MAX_ANSWER) request.destroy(new Error('The answer is too long.'));
      });
      response.on('end', () => {
        resolve(text);
      });
    });
    request.on('timeout', () => request.destroy(new Error('There was no answer in time.')));
    request.on('error', reject);
  });
}
