import { Inject, Injectable } from '@nestjs/common';
import { type NodeFacts, nodeFacts, nodeKey, toEdgeError } from '@selvage/protocol';
import { LiveFeed } from '../http/index.js';
import {
  GateRegistry,
  type InboundHandler,
  InboundRegistry,
  type Session,
  type SessionListener,
  Sessions,
} from '../link/index.js';
import { LOG, type Logger } from '../log/index.js';
import { NodeGate } from './node-gate.js';
import { setReported } from './reported.service.js';

/** Takes what nodes report about their machines. */
export function factsHandler(feed: LiveFeed): InboundHandler<NodeFacts> {
  return {
    section: 'facts',
    schema: nodeFacts,
    apply: (tx, reports) =>
      setReported(
        tx,
        'facts',
        reports.map(({ ref, value }) => ({ ref, text: JSON.stringify(value) })),
      ),
    committed: (reports) => {
      for (const { ref } of reports) feed.changed('node', ref.project, ref.node);
    },
  };
}

/** Registers with the link: who may come in, and what nodes report. */
@Injectable()
export class NodeLinks implements SessionListener {
  constructor(
    private readonly gates: GateRegistry,
    private readonly gate: NodeGate,
    private readonly inbound: InboundRegistry,
    private readonly feed: LiveFeed,
    @Inject(Sessions) private readonly sessions: Pick<Sessions, 'find' | 'end' | 'listen'>,
    @Inject(LOG) private readonly log: Logger,
  ) {}

  start(): void {
    this.gates.set(this.gate);
    this.inbound.add(factsHandler(this.feed));
    this.sessions.listen(this);
  }

  /** Ends a link that should not have opened, because its node was locked out at that very moment. */
  opened(session: Session): void {
    this.gate.recheck(session).catch((error: unknown) => {
      const why = toEdgeError(error);
      const { ref, serial } = session;
      if (why.status >= 500) this.log.warn({ node: nodeKey(ref), code: why.code }, 'open link not looked at again');
      else if (this.sessions.find(ref)?.serial === serial) this.sessions.end(ref, why);
    });
  }
}
