import type { App, Client, Device, DeviceModel, MessageEndpoint, Node, Route, Secret } from '@selvage/protocol';
import { labelText } from '../nouns/index.js';
import { type Facts, moment } from '../output/index.js';

type Described = App | Client | Device | DeviceModel | MessageEndpoint | Node | Route | Secret;

/** What `describe` says of any object first. */
export function headFacts({ name, project, labels, revision, createdAt, updatedAt }: Described, now: number): Facts {
  return [
    ['name', name],
    ['project', project],
    ['labels', labelText(labels)],
    ['revision', String(revision)],
    ['created', moment(createdAt, now)],
    ['changed', updatedAt === createdAt ? '' : moment(updatedAt, now)],
  ];
}
