import { Injectable } from '@nestjs/common';
import { EdgeError, nodeKey, type NodeRef, type UpFrame, VERSION } from '@selvage/protocol';
import { fingerprintOf, identityOf, type ShownCertificate, serialOf } from '@selvage/pki';
import { systemClock } from '@selvage/reconcile';
import type { WebSocket } from 'ws';
import { HubConfig } from '../config.js';
import { Database } from '../db/index.js';
import { GateRegistry } from './gate.js';
import { NodeSession } from './node-session.js';
import { ReportedHashes } from './reported-hashes.service.js';
import { Sessions } from './sessions.js';

export type Hello = Extract<UpFrame, { t: 'hello' }>;

/** Decides who comes in, and greets those who may. */
@Injectable()
export class Reception {
  constructor(
    private readonly config: HubConfig,
    private readonly db: Database,
    private readonly gate: GateRegistry,
    private readonly sessions: Sessions,
    private readonly hashes: ReportedHashes,
  ) {}

  /** @throws EdgeError of the gate, or `identity_in_use`. */
  async admit(socket: WebSocket, certificate: ShownCertificate, hello: Hello): Promise<NodeSession> {
    const ref = nodeOf(certificate);
    const [serial, fingerprint] = [serialOf(certificate), fingerprintOf(certificate)];
    const { agent, protocol, boot } = hello;
    await this.gate.admit({ ref, serial, fingerprint, agent, protocol });
    await this.sessions.makeRoom(nodeKey(ref), boot);
    const [reported, revision] = await Promise.all([this.hashes.of(ref), this.db.revision()]);
    const stored = { position: hello.stored, hashes: hello.desired };
    const moment = { now: systemClock.now(), monotonic: systemClock.monotonic() };
    const session = new NodeSession(socket, { ref, serial, agent, boot, stored, reported, ...moment });
    const position = { epoch: this.db.epoch, revision };
    session.send({ t: 'welcome', hub: VERSION, position, heartbeatMs: this.config.heartbeatMs, reported });
    return session;
  }
}

function nodeOf(certificate: ShownCertificate): NodeRef {
  const identity = identityOf(certificate);
  if (identity.kind === 'node') return { project: identity.project, node: identity.name };
  throw new EdgeError('certificate_invalid', `It identifies a ${identity.kind}, and only nodes have a link.`);
}
