import { Inject, Injectable } from '@nestjs/common';
import { nodeKey, type Section, toEdgeError } from '@selvage/protocol';
import { Database } from '../db/index.js';
import { LOG, type Logger } from '../log/index.js';
import { byHalves } from './by-halves.js';
import { Complaints } from './complaints.js';
import { type Batch, InboundRegistry } from './inbound.js';
import type { NodeSession } from './node-session.js';
import { ReportedHashes, type Written } from './reported-hashes.service.js';
import { jsonOf } from './said.js';
import { Sessions } from './sessions.js';

/** Reports written in one transaction. */
const BATCH = 500;
/** Nodes that may wait in one section; one more is left out, and asked again with the next heartbeat. */
const MAX_WAITING = 50_000;

/** Writes down what nodes report: while one batch is written the next one gathers, of each node the latest only. */
@Injectable()
export class InboundWriter {
  private writing: Promise<void> | undefined;
  private readonly complaints = new Complaints();

  constructor(
    private readonly db: Database,
    private readonly registry: InboundRegistry,
    private readonly hashes: ReportedHashes,
    private readonly sessions: Sessions,
    @Inject(LOG) private readonly log: Logger,
  ) {}

  /**
   * Takes a section that a node sent. One that nobody knows is passed over, since a newer agent may send more; so is one that does not
   * have its form: cutting the node off would not mend it.
   */
  take(session: NodeSession, { name: section, hash, body }: Section): void {
    const { ref } = session;
    const intake = this.registry.get(section);
    if (intake === undefined || intake.waiting >= MAX_WAITING) return;
    try {
      intake.take({ ref, section, hash, at: new Date(session.heardAt).toISOString(), value: jsonOf(body) });
    } catch (error) {
      this.complain(session, section, toEdgeError(error).detail);
    }
    session.reported = { ...session.reported, [section]: hash };
    this.writing ??= this.drain();
  }

  private complain({ key: node, heardMonotonic }: NodeSession, section: string, problem: string): void {
    const unsaid = this.complaints.about(node, heardMonotonic);
    if (unsaid !== undefined)
      this.log.warn({ node, section, problem, unsaid }, 'a reported section was not understood');
  }

  /** Resolves when everything that came has been written. */
  async stop(): Promise<void> {
    await this.writing;
  }

  private async drain(): Promise<void> {
    // One turn later, so that reports of the same moment share a batch.
    await new Promise((resolve) => setImmediate(resolve));
    for (let batches = this.batches(); batches.length > 0; batches = this.batches()) {
      for (const batch of batches) await this.write(batch);
    }
    this.writing = undefined;
  }

  private batches(): Batch[] {
    return [...this.registry.all].filter(({ waiting }) => waiting > 0).map((intake) => intake.batch(BATCH));
  }

  /** A report that cannot be written costs no other node its own. */
  private async write(batch: Batch): Promise<void> {
    const { log } = this;
    try {
      await byHalves(batch.written, {
        write: (some) => this.store(batch.among(some)),
        alone: (one, err) => {
          log.error({ err, node: nodeKey(one.ref), section: one.section }, 'a report could not be written');
          this.forget(one);
        },
      });
    } catch (error) {
      log.error({ err: error, reports: batch.written.length }, 'reports were not written');
      for (const one of batch.written) this.forget(one);
    }
  }

  private async store(batch: Batch): Promise<void> {
    await this.db.write(async (tx) => {
      await batch.apply(tx);
      await this.hashes.note(tx, batch.written);
    });
    try {
      batch.committed();
    } catch (error) {
      this.log.error({ err: error }, 'what follows from reports failed; they are written');
    }
  }

  /** The hub does not have it after all: the next heartbeat's digest will differ, and the node sends it again. */
  private forget({ ref, section }: Written): void {
    const session = this.sessions.live(ref);
    if (session === undefined) return;
    session.reported = Object.fromEntries(Object.entries(session.reported).filter(([name]) => name !== section));
  }
}
