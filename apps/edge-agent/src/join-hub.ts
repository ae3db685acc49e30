import { EdgeError, nodeKey } from '@selvage/protocol';
import { join, refuseSecond } from './certificates/index.js';
import { ownNames } from './host/index.js';
import { FolderLock } from './state/index.js';

export interface JoinArguments {
  readonly hub: string;
  readonly token: string;
  readonly node?: string;
  readonly identity: 'keep' | 'replace';
  /** The data folder as it was given on the command line. */
  readonly data?: string;
}

/**
 * Joins a hub; gives the line to print.
 * @throws EdgeError as `join` of the certificates does, and `data_folder_in_use` while an agent runs there.
 */
export async function joinHub(folder: string, given: JoinArguments): Promise<string> {
  const { hub, token, node, identity, data } = given;
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
    return `Joined ${joined.hubUrl} as ${nodeKey(joined)}. Start the agent with: ${runCommand(data)}`;
  } finally {
    await lock.release();
  }
}

/** The line that starts the agent on a data folder, as one types it. */
export function runCommand(data: string | undefined): string {
  if (data === undefined) return 'selvage-agent run';
  const word = /^[\w./:@%+=-]+$/.test(data) ? data : `'${data.replaceAll("'", "'\\''")}'`;
  return `selvage-agent run --data ${word}`;
}

function hubOrigin(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'https:' && url.hostname !== '') return url.origin;
  throw new EdgeError('bad_request', `"${text}" is not the address of a hub: give https://host:port.`);
}
