import { nodeKey, type NodeRef } from '@selvage/protocol';

/** The node that containers and volumes belong to. `hub` tells hubs apart that know a node of the same name. */
export interface Owner extends NodeRef {
  readonly hub: string;
}

/** What the labels of a container say about it. */
export interface Origin {
  readonly app: string;
  readonly uid: string;
  readonly container: string;
  /** Hash of the spec that it was made from. */
  readonly spec: string;
  /** Revision of the app at which it was made. */
  readonly revision: number;
}

type Labels = Readonly<Record<string, string>>;

const key = {
  node: 'io.selvage.node',
  app: 'io.selvage.app',
  uid: 'io.selvage.uid',
  container: 'io.selvage.container',
  spec: 'io.selvage.spec',
  revision: 'io.selvage.revision',
} as const;

/** The label that makes something ours: what lacks exactly this one is never touched. */
export function ownerLabels(owner: Owner): Labels {
  return { [key.node]: `${owner.hub}/${nodeKey(owner)}` };
}

export function containerLabels(owner: Owner, origin: Origin): Labels {
  const { app, uid, container, spec, revision } = origin;
  return {
    ...ownerLabels(owner),
    [key.app]: app,
    [key.uid]: uid,
    [key.container]: container,
    [key.spec]: spec,
    [key.revision]: String(revision),
  };
}

export function volumeLabels(owner: Owner, { app, uid }: Pick<Origin, 'app' | 'uid'>): Labels {
  return { ...ownerLabels(owner), [key.app]: app, [key.uid]: uid };
}

/** Reads the labels of a container or volume; what is missing is empty, so that it matches nothing that is wanted. */
export function originOf(labels: Labels): Origin {
  return {
    app: labels[key.app] ?? '',
    uid: labels[key.uid] ?? '',
    container: labels[key.container] ?? '',
    spec: labels[key.spec] ?? '',
    revision: revisionOf(labels[key.revision]),
  };
}

function revisionOf(label = ''): number {
  const revision = Number(label);
  return Number.isSafeInteger(revision) && revision >= 0 ? revision : 0;
}

export function isOwned(labels: Labels, owner: Owner): boolean {
  return Object.entries(ownerLabels(owner)).every(([name, value]) => labels[name] === value);
}
