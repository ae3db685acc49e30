import { Inject, Injectable } from '@nestjs/common';
import { systemClock } from '@selvage/reconcile';
import { HubConfig } from '../config.js';
import { LOG, type Logger } from '../log/index.js';
import { Sessions } from './sessions.js';

/** A link is dead after this many heartbeats without a word. */
const SILENT_BEATS = 1.5;

/** Cuts off links that have gone silent: one look at all of them now and then, instead of a timer for each. */
@Injectable()
export class Liveness {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly config: HubConfig,
    private readonly sessions: Sessions,
    @Inject(LOG) private readonly log: Logger,
  ) {}

  start(): void {
    this.timer ??= setInterval(() => {
      this.look();
    }, this.config.heartbeatMs / 4);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private look(): void {
    const dead = systemClock.monotonic() - this.config.heartbeatMs * SILENT_BEATS;
    for (const session of this.sessions.lively) {
      if (session.heardMonotonic >= dead) continue;
      this.log.info({ node: session.key }, 'node went silent');
      session.terminate();
      this.sessions.remove(session);
    }
  }
}
