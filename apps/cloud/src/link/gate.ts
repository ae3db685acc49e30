import { Injectable } from '@nestjs/common';
import { EdgeError, type NodeRef } from '@selvage/protocol';

/** Who asks to be let in, after the TLS handshake and the first frame. */
export interface Admission {
  readonly ref: NodeRef;
  /** Lowercase hexadecimal, as the database has them. */
  readonly serial: string;
  readonly fingerprint: string;
  /** Versions of the agent and of the link protocol that it speaks. */
  readonly agent: string;
  readonly protocol: number;
}

export interface Gate {
  /** Resolves when the node may come in. @throws EdgeError that says why not; the agent is told. */
  admit(peer: Admission): Promise<void>;
}

/** Where the `nodes` slice says who may connect. Nobody may before. */
@Injectable()
export class GateRegistry {
  private gate: Gate | undefined;

  set(gate: Gate): void {
    this.gate = gate;
  }

  admit(peer: Admission): Promise<void> {
    if (this.gate === undefined) return Promise.reject(new EdgeError('overloaded', 'The hub is still starting.'));
    return this.gate.admit(peer);
  }
}
