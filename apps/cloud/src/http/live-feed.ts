import { Injectable } from '@nestjs/common';
import { Happenings } from './happenings.js';

/** "Something about this object changed: read it again." `project` absent: it belongs to none. */
export interface Change {
  readonly noun: string;
  readonly name: string;
  readonly project?: string;
}

/** Tells who listens that something changed. Carries no data, so that a change may be lost or doubled without harm. */
@Injectable()
export class LiveFeed {
  /** For those who want to know each time what happened, and to whom. */
  readonly happenings = new Happenings();
  private readonly listeners = new Set<(change: Change) => void>();

  /** Call it after the change is committed. */
  changed(noun: string, project: string | undefined, name: string): void {
    const change = project === undefined ? { noun, name } : { noun, name, project };
    for (const listener of this.listeners) listener(change);
  }

  /** Gives back what ends the subscription. */
  subscribe(listener: (change: Change) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}
