import { type CloudEvent, EVENT_PREFIX } from '@selvage/protocol';
import type { Happening } from '../http/index.js';

/** What happened, as a CloudEvent. `time`: ISO 8601. */
export function cloudEventOf({ type, project, name, node, data }: Happening, id: string, time: string): CloudEvent {
  return {
    ...{ specversion: '1.0', id, type: `${EVENT_PREFIX}${type}`, subject: name, time },
    source: node === undefined ? `/projects/${project}` : `/projects/${project}/nodes/${node}`,
    datacontenttype: 'application/json',
    data: { ...data },
  };
}
