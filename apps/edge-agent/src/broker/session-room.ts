import type { BrokerLimits } from '@selvage/protocol';
import type { Outgoing, Session } from './session.js';
import { ownerOf } from './session-records.js';
import type { Share, Shares } from './shares.js';

/** Limits that cost a message or a session. */
export type Full = 'queue_full' | 'queue_total_full' | 'sessions_full' | 'client_sessions_full';

export interface SessionRoomOptions {
  readonly limits: () => BrokerLimits;
  readonly shares: Shares;
  readonly sessionCount: () => number;
  readonly drop: (session: Session, message: Outgoing) => void;
  readonly end: (session: Session) => void;
  /** Told of each message or session that a limit cost. */
  readonly dropped: (reason: Full, what: string) => void;
}

/**
 * Keeps sessions and what waits in them within the limits. Of the room that all have together each identity may use what the others
 * leave; when it is full, those who have more than an equal share lose their own oldest, and nobody else loses anything.
 */
export class SessionRoom {
  readonly #options: SessionRoomOptions;

  constructor(options: SessionRoomOptions) {
    this.#options = options;
  }

  /** Whether there is room for a message now: what was not sent yet gives way, oldest first, and what is under way does not. */
  forMessage(session: Session, message: Outgoing): boolean {
    return this.#inSession(session, message) && this.#inAll(session, message);
  }

  /** Whether an identity may begin a session now: of its own the one whose client was away longest gives way. */
  forSession(id: string): boolean {
    const { limits, shares, sessionCount } = this.#options;
    const { kind, key } = ownerOf(id);
    const { sessions, sessionsPerClient } = limits();
    const share = shares.of(key);
    // The programs of the node share one identity: they are not one client.
    while (kind !== 'local' && share.sessions.size >= sessionsPerClient)
      if (!this.#endLongestAway(share, 'client_sessions_full')) return false;
    while (sessionCount() >= sessions) {
      const most = shares.most((one) => (one.longestAway === undefined ? 0 : one.sessions.size));
      if (most === undefined || !this.#endLongestAway(most, 'sessions_full')) break;
    }
    return true;
  }

  /** Whether `forSession` would find room. */
  hasForSession(id: string): boolean {
    const { kind, key } = ownerOf(id);
    const share = this.#options.shares.find(key);
    const isFull = kind !== 'local' && (share?.sessions.size ?? 0) >= this.#options.limits().sessionsPerClient;
    return !isFull || share?.sessions.has(id) === true || share?.longestAway !== undefined;
  }

  #inSession(session: Session, message: Outgoing): boolean {
    const { limits, drop, dropped } = this.#options;
    const { queueMessages, queueBytes } = limits();
    while (session.count >= queueMessages || session.bytes + session.sizeOf(message) > queueBytes) {
      const oldest = session.oldestUnsent();
      dropped('queue_full', (oldest ?? message).topic);
      if (oldest === undefined) return false;
      drop(session, oldest);
    }
    return true;
  }

  #inAll(session: Session, message: Outgoing): boolean {
    const { limits, shares, dropped } = this.#options;
    const { queueTotalBytes } = limits();
    const bytes = session.sizeOf(message);
    while (shares.bytes + bytes > queueTotalBytes) {
      const equal = queueTotalBytes / shares.count;
      const isOverItself = session.share.bytes + bytes > equal;
      const made = isOverItself ? this.#dropOldest(session.share) : this.#makeGiveWay();
      if (made) continue;
      dropped('queue_total_full', message.topic);
      return false;
    }
    return true;
  }

  /** Whoever has most gives way: with what was not sent yet, or with a session that keeps its room by acknowledging nothing. */
  #makeGiveWay(): boolean {
    const { shares, dropped, end } = this.#options;
    const most = shares.most(({ bytes }) => bytes);
    if (most === undefined) return false;
    if (this.#dropOldest(most)) return true;
    const { fullest } = most;
    if (fullest === undefined) return false;
    dropped('queue_total_full', fullest.id);
    end(fullest);
    return true;
  }

  #dropOldest({ unsent }: Share): boolean {
    for (const [message, session] of unsent) {
      this.#options.dropped('queue_total_full', message.topic);
      this.#options.drop(session, message);
      return true;
    }
    return false;
  }

  #endLongestAway({ longestAway }: Share, reason: Full): boolean {
    if (longestAway === undefined) return false;
    this.#options.dropped(reason, longestAway.id);
    this.#options.end(longestAway);
    return true;
  }
}
