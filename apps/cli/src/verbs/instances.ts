import type { App, ContainerStatus } from '@selvage/protocol';
import { ago, indented, oneLine, span, times, until } from '../output/index.js';

type Instance = App['status']['instances'][number];

/** What is known of each instance of an app: its state, and of each container why it does not run. */
export function instanceLines(app: App, now: number): string[] {
  return app.status.instances.flatMap((instance) => [
    instanceLine(app, instance, now),
    ...indented(instance.containers.flatMap((container) => containerLines(container, now))),
  ]);
}

function instanceLine(app: App, { node, state, revision, reportedAt, nodeState }: Instance, now: number): string {
  const notes = [
    revision === app.revision || state === 'unknown' ? '' : `revision ${revision}, ${app.revision} is wanted`,
    nodeState === 'ready' ? '' : `the node is ${nodeState.replace('_', ' ')}`,
    reportedAt === undefined ? 'never reported' : `reported ${ago(reportedAt, now)}`,
  ];
  return `${app.name} on ${node}: ${state} (${notes.filter(Boolean).join('; ')})`;
}

function containerLines(container: ContainerStatus, now: number): string[] {
  const { name, state, reason, message, digest, startedAt, restarts, image } = container;
  const told = [
    state,
    startedAt === undefined ? '' : `for ${span(Math.max(0, now - Date.parse(startedAt)))}`,
    restarts > 0 ? `restarted ${times(restarts)}` : '',
    next(container, now),
  ];
  const pinned = digest === undefined || image.endsWith(digest) ? '' : ` (${digest.slice(0, 'sha256:'.length + 12)})`;
  const why = reason === undefined && message === undefined ? [] : [`${reason ?? ''}: ${oneLine(message ?? '')}`];
  return [`${name}: ${told.filter(Boolean).join(', ')}, image ${image}${pinned}`, ...indented(why)];
}

function next({ retryAt }: ContainerStatus, now: number): string {
  if (retryAt === undefined) return '';
  return Date.parse(retryAt) > now ? `next try in ${until(retryAt, now)}` : 'next try is due';
}
