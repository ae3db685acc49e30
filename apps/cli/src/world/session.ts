import { type Client, createClient } from '@selvage/api-client';
import { name } from '@selvage/protocol';
import { readContext } from './context.js';
import { UsageError } from './usage-error.js';
import type { World } from './world.js';

/** A hub to talk to and the project that is meant. */
export interface Session {
  readonly client: Client;
  readonly url: string;
  readonly project: string;
}

export const DEFAULT_URL = 'http://127.0.0.1:8080';

/** Opens a session: what the command line says goes before the environment, and that before what login wrote down. */
export async function openSession({ config }: World, given: { readonly project?: string }): Promise<Session> {
  const context = await readContext(config.contextFile);
  const url = urlOf(config.url ?? context.url ?? DEFAULT_URL);
  // A token is never shown to another hub than the one that gave it.
  const own = context.url !== undefined && urlOf(context.url) === url ? context.token : undefined;
  const token = config.token ?? own;
  const project = given.project ?? context.project ?? 'default';
  const problem = name.safeParse(project).error?.issues[0]?.message;
  if (problem !== undefined) throw new UsageError(`"${project}" is no project: ${problem}`);
  return { client: createClient({ url, ...(token !== undefined && { token }) }), url, project };
}

/**
 * A hub's URL in one spelling.
 * @throws UsageError when it is none.
 */
export function urlOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '')
    throw new UsageError(`"${text}" is not the URL of a hub: write ${DEFAULT_URL} for instance`);
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}
