import { EdgeError, nodeKey } from '@selvage/protocol';
import { join, refuseSecond } from './certificates/index.js';
import { ownNames } from './host/index.js';
import { FolderLock } from './state/index.js';

export interface JoinArguments {
  readonly hub: string;
  readonly token: string;
  readonly node?: string;
  readonly identity: 'keep' | 'replace';
}

/**
 * Joins a hub; gives the line to print.
 * @throws EdgeError as `join` of the certificates does, and `data_folder_in_use` while an agent runs there.
 */
export async function joinHub(folder: string, { hub, token, node, identity }: JoinArguments): Promise<string> {
  const hubUrl = hubOrigin(hub);
  if (identity === 'keep') await refuseSecond(folder);
  const lock = new FolderLock(folder);
  await lock.take();
  try {
    const joined = await join({
      folder,
      hubUrl,
      token,
      identity,
      hosts: ownNames(),
      ...(node !== undefined && { node }),
    });
    return `Joined ${joined.hubUrl} as ${nodeKey(joined)}. Start the agent with: selvage-agent run`;
  } finally {
    await lock.release();
  }
}

function hubOrigin(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'https:' && url.hostname !== '') return url.origin;
  throw new EdgeError('bad_request', `"${text}" is not the address of a hub: give https://host:port.`);
}
