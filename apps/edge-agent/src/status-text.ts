import { nodeKey } from '@selvage/protocol';
import type { AgentStatus } from './local-api/index.js';
import { wayOut } from './way-out.js';

/** A status as people read it, a line for each part and for each app. */
export function statusText({
  node,
  hub,
  engine,
  certificate,
  apps,
  routes = [],
  agentVersion,
  stored,
}: AgentStatus): string {
  const rows = [
    ['node', nodeKey(node)],
    ['agent', agentVersion],
    ['hub', `${hub.url} ${hub.state} since ${hub.since}${because(hub.reason)}`],
    ...(isRefused({ hub }) ? [['', `To do: ${wayOut(hub.reason ?? '')}`]] : []),
    ['Docker', `${engine.version ?? ''} ${engine.state.replace('_', ' ')}${because(engine.reason)}`.trim()],
    ['certificate', `${certificate.daysLeft} days left${because(certificate.failure?.message)}`],
    ['revision', stored === undefined ? 'none yet' : String(stored.revision)],
    ...apps.map(({ app, state, revision }) => [`app ${app}`, `${state} (revision ${revision})`]),
    ...routes.map(({ name, state, waiting, dead, dropped }) => [
      `route ${name}`,
      `${state}, ${waiting} waiting, ${dead} dead letters, ${dropped} dropped`,
    ]),
  ];
  const width = Math.max(...rows.map(([name = '']) => name.length));
  return rows.map(([name = '', value = '']) => `${name.padEnd(width)}  ${printable(value)}\n`).join('');
}

/** Whether the hub does not let this node in: nothing mends that by itself. */
export function isRefused({ hub }: Pick<AgentStatus, 'hub'>): boolean {
  return hub.state === 'refused';
}

/** What another party said, fit for a line of a terminal: no line breaks, no control characters. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ');
}

function because(reason: string | undefined): string {
  return reason === undefined ? '' : `: ${reason}`;
}
