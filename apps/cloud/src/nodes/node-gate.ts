import { Injectable } from '@nestjs/common';
import { EdgeError, frames, nodeKey, type NodeRef } from '@selvage/protocol';
import { Certificates } from '../certificates/certificates.module.js';
import { Batcher } from '../db/index.js';
import type { Admission, Gate, Session } from '../link/index.js';
import { disabled, missing } from './node-changes.service.js';
import { Nodes } from './nodes.service.js';

const LOOKUPS = { size: 500, waiting: 20_000 };

/** Who may connect. Lookups are shared, so that thousands of nodes that come back at once cost few queries. */
@Injectable()
export class NodeGate implements Gate {
  private readonly lookups = new Batcher<NodeRef, boolean | undefined>(async (refs) => {
    const enabled = await this.nodes.enabledOf(refs);
    return refs.map((ref) => ({ ok: enabled.get(nodeKey(ref)) }));
  }, LOOKUPS);

  constructor(
    private readonly certificates: Certificates,
    private readonly nodes: Nodes,
  ) {}

  async admit(peer: Admission): Promise<void> {
    if (peer.protocol !== frames.LINK_PROTOCOL) throw mismatch(peer);
    await this.certificates.admissible(peer);
    await this.mustBeEnabled(peer.ref);
  }

  /**
   * Looks once more when a link has just opened: whoever shut the gate between the first look and the opening found no link to end.
   */
  async recheck(session: Pick<Session, 'ref' | 'serial'>): Promise<void> {
    await this.certificates.stillAdmissible(session);
    await this.mustBeEnabled(session.ref);
  }

  private async mustBeEnabled(ref: NodeRef): Promise<void> {
    const enabled = await this.lookups.run(ref);
    if (enabled === undefined) throw missing(ref);
    if (!enabled) throw disabled(ref);
  }
}

function mismatch({ agent, protocol }: Admission): EdgeError {
  const [older, newer] = protocol < frames.LINK_PROTOCOL ? ['agent', 'hub'] : ['hub', 'agent'];
  return new EdgeError(
    'protocol_mismatch',
    `Agent ${agent} speaks version ${protocol}, the hub version ${frames.LINK_PROTOCOL}: the ${older} is older than the ${newer}; upgrade it.`,
  );
}
