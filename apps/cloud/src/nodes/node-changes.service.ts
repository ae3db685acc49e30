import { isDeepStrictEqual } from 'node:util';
import { Inject, Injectable } from '@nestjs/common';
import { EdgeError, type NodeRef } from '@selvage/protocol';
import type { EntityManager } from 'typeorm';
import { sameLabels } from '../db/index.js';
import { Desired } from '../desired/index.js';
import { LiveFeed } from '../http/index.js';
import { MessagePositions, ReportedHashes, Sessions } from '../link/index.js';
import type { NodeRow } from './nodes.entity.js';

/** Removes what a slice has of a node, in the transaction that deletes it. */
export type RemovalHook = (tx: EntityManager, ref: NodeRef) => Promise<void>;
/** Told, after the commit, that a node has other labels than before, or is new. */
export type RelabelListener = (ref: NodeRef) => void;

/** What follows from a change of a node: for its link, its desired state, the live feed and other slices. */
@Injectable()
export class NodeChanges {
  private readonly removalHooks: RemovalHook[] = [];
  private readonly relabelListeners: RelabelListener[] = [];

  constructor(
    @Inject(Sessions) private readonly sessions: Pick<Sessions, 'end'>,
    @Inject(Desired) private readonly desired: Pick<Desired, 'poke'>,
    private readonly feed: LiveFeed,
    @Inject(ReportedHashes) private readonly hashes: Pick<ReportedHashes, 'forget'>,
    @Inject(MessagePositions) private readonly positions: Pick<MessagePositions, 'forget'>,
  ) {}

  onRemoved(hook: RemovalHook): void {
    this.removalHooks.push(hook);
  }

  onRelabelled(listener: RelabelListener): void {
    this.relabelListeners.push(listener);
  }

  /** Call it after the commit. `before` undefined: the node is new. */
  saved(before: NodeRow | undefined, after: NodeRow): void {
    const ref = { project: after.project, node: after.name };
    const relabelled = before === undefined || !sameLabels(before.labels, after.labels);
    if (relabelled) for (const listener of this.relabelListeners) listener(ref);
    const isOther = relabelled || before.enabled !== after.enabled || !isDeepStrictEqual(before.broker, after.broker);
    if (isOther) this.desired.poke([ref]);
    if (!after.enabled) this.sessions.end(ref, disabled(ref));
    this.feed.changed('node', ref.project, ref.node);
  }

  /** Call it in the transaction that makes the node: whatever another node of that name reported is not this one's. */
  async making(tx: EntityManager, ref: NodeRef): Promise<void> {
    await this.hashes.forget(tx, ref);
  }

  /** Call it in the transaction that deletes the node. */
  async removing(tx: EntityManager, ref: NodeRef): Promise<void> {
    await this.hashes.forget(tx, ref);
    await this.positions.forget(tx, ref);
    for (const hook of this.removalHooks) await hook(tx, ref);
  }

  /** Call it after that transaction is committed. */
  removed(ref: NodeRef): void {
    this.sessions.end(ref, missing(ref));
    this.feed.changed('node', ref.project, ref.node);
  }
}

/** Why a disabled node is not let in. */
export function disabled({ node }: NodeRef): EdgeError {
  return new EdgeError('node_disabled', `An operator disabled "${node}"; it is let in again when it is enabled.`);
}

/** Why a node that is not there is not let in. */
export function missing({ project, node }: NodeRef): EdgeError {
  return new EdgeError(
    'not_found',
    `The node "${node}" of project "${project}" was deleted; join with a new token to use this machine again.`,
  );
}
