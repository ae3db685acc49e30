import { Injectable } from '@nestjs/common';
import { EdgeError, nodeKey, type NodeRef } from '@selvage/protocol';
import type { NodeSession } from './node-session.js';
import type { Session } from './session.js';

/** Told of links that come and go, and of nodes that confirm their desired state. */
export interface SessionListener {
  opened?(session: Session): void;
  closed?(session: Session): void;
  stored?(session: Session): void;
}

/** How long a link that is there already has to answer before another machine takes its place, milliseconds. */
const ANSWER_MS = 3_000;

/** Every live link, by node. */
@Injectable()
export class Sessions {
  private readonly links = new Map<string, NodeSession>();
  private readonly listeners: SessionListener[] = [];

  find(node: NodeRef): Session | undefined {
    return this.links.get(nodeKey(node));
  }

  get all(): Iterable<Session> {
    return this.links.values();
  }

  get count(): number {
    return this.links.size;
  }

  /** Ends the live link of a node, if there is one, and tells the agent why. Whoever calls has made sure first that the gate is shut. */
  end(node: NodeRef, why: EdgeError): void {
    this.links.get(nodeKey(node))?.refuse(why);
  }

  listen(listener: SessionListener): void {
    this.listeners.push(listener);
  }

  /** The link of a node with all that this floor keeps of it. */
  live(node: NodeRef): NodeSession | undefined {
    return this.links.get(nodeKey(node));
  }

  get lively(): Iterable<NodeSession> {
    return this.links.values();
  }

  /**
   * Makes room for a node that comes: its own dead link goes. One that still answers, of another start of the agent, is another
   * machine with the same identity.
   * @throws EdgeError `identity_in_use`.
   */
  async makeRoom(key: string, boot: string): Promise<void> {
    const there = this.links.get(key);
    if (there === undefined) return;
    if (there.boot !== boot && (await there.answers(ANSWER_MS)))
      throw new EdgeError(
        'identity_in_use',
        `${key} is connected from another machine, or from a copy of its data folder.`,
      );
    there.terminate();
    this.remove(there);
  }

  add(session: NodeSession): void {
    const there = this.links.get(session.key);
    if (there !== undefined) {
      there.terminate();
      this.remove(there);
    }
    this.links.set(session.key, session);
    for (const listener of this.listeners) listener.opened?.(session);
  }

  confirmed(session: NodeSession): void {
    for (const listener of this.listeners) listener.stored?.(session);
  }

  /** Does nothing for a link that another one has replaced. */
  remove(session: NodeSession): void {
    if (this.links.get(session.key) !== session) return;
    this.links.delete(session.key);
    for (const call of session.calls?.values() ?? [])
      call.end(new EdgeError('node_offline', `Node "${session.ref.node}" went away.`));
    for (const listener of this.listeners) listener.closed?.(session);
  }
}
