import { Inject, Injectable } from '@nestjs/common';
import { nodeKey, type NodeRef } from '@selvage/protocol';
import { type Cancel, type Clock, systemClock } from '@selvage/reconcile';
import { HubConfig } from '../config.js';
import { Database } from '../db/index.js';
import { type Happening, LiveFeed } from '../http/index.js';
import { type Session, type SessionListener, Sessions } from '../link/index.js';
import { LOG, type Logger } from '../log/index.js';
import { setReported } from './reported.service.js';

const EVERY_MS = 1000;
/** A node that was heard so many heartbeats before its link closed was there until then; otherwise it had gone silent. */
const LIVE_BEATS = 1.25;

/** Notes when nodes were last seen: who looks is told at once, the database in one write per second at most. */
@Injectable()
export class Presence implements SessionListener {
  private readonly clock: Clock = systemClock;
  /** At most one per node, so its size is bounded by the number of nodes. */
  private seen = new Map<string, { readonly ref: NodeRef; readonly text: string }>();
  private cancel: Cancel | undefined;
  private writing: Promise<void> = Promise.resolve();

  constructor(
    private readonly db: Database,
    private readonly feed: LiveFeed,
    @Inject(Sessions) private readonly sessions: Pick<Sessions, 'listen'>,
    private readonly config: HubConfig,
    @Inject(LOG) private readonly log: Logger,
  ) {}

  start(): void {
    this.sessions.listen(this);
  }

  opened({ ref, openedAt, agent }: Session): void {
    this.note(ref, openedAt);
    this.tell('node.online', ref, { agent });
  }

  closed({ ref, heardAt }: Session): void {
    const now = this.clock.now();
    const wasSilent = now - heardAt > this.config.heartbeatMs * LIVE_BEATS;
    this.note(ref, wasSilent ? heardAt : now);
    this.tell('node.offline', ref, { lastSeenAt: new Date(wasSilent ? heardAt : now).toISOString() });
  }

  /** Writes what is still to be written. */
  async stop(): Promise<void> {
    this.cancel?.();
    await this.writing;
    await this.write();
    this.cancel?.();
  }

  private tell(type: Happening['type'], { project, node }: NodeRef, data: Happening['data']): void {
    this.feed.happenings.tell({ type, project, name: node, node, data });
  }

  private note(ref: NodeRef, at: number): void {
    this.seen.set(nodeKey(ref), { ref, text: new Date(at).toISOString() });
    this.feed.changed('node', ref.project, ref.node);
    this.writeSoon();
  }

  private writeSoon(): void {
    this.cancel ??= this.clock.timer(EVERY_MS, () => {
      this.writing = this.write();
    });
  }

  private async write(): Promise<void> {
    const seen = this.seen;
    this.seen = new Map();
    try {
      if (seen.size > 0) await this.db.write((tx) => setReported(tx, 'last_seen_at', [...seen.values()]));
    } catch (error) {
      this.log.warn({ err: error, nodes: seen.size }, 'last seen times not written yet');
      this.seen = new Map([...seen, ...this.seen]);
    }
    this.cancel = undefined;
    if (this.seen.size > 0) this.writeSoon();
  }
}
