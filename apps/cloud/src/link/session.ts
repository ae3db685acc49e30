import type { DownFrame, NodeRef, Position, SectionHashes } from '@selvage/protocol';

/** A live link to one node. */
export interface Session {
  readonly ref: NodeRef;
  /** Serial of the certificate it was opened with, lowercase hexadecimal. */
  readonly serial: string;
  /** Version of the agent. */
  readonly agent: string;
  /** When it was opened, and when the node was last heard, epoch milliseconds. */
  readonly openedAt: number;
  readonly heardAt: number;
  /** What the node has on its disk of the desired state. */
  readonly stored: Stored;
  /** Sends a frame; a node that takes nothing more is cut off, and comes back. */
  send(frame: DownFrame): void;
}

/** Desired state as a node confirmed it: `position` is null before the first one. */
export interface Stored {
  readonly position: Position | null;
  readonly hashes: SectionHashes;
}
