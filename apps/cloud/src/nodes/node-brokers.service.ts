import { Injectable } from '@nestjs/common';
import { type BrokerShown, brokerShown, EdgeError, type NodeRef } from '@selvage/protocol';
import { Calls, saidIn } from '../link/index.js';

const DEADLINE_MS = 10_000;
const MAX_BYTES = 4 * 1024 * 1024;

/** Asks nodes how their brokers stand. */
@Injectable()
export class NodeBrokers {
  constructor(private readonly calls: Calls) {}

  /** @throws EdgeError `node_offline`, `deadline_exceeded`. */
  async of(ref: NodeRef): Promise<BrokerShown> {
    const signal = AbortSignal.timeout(2 * DEADLINE_MS);
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of this.calls.open(ref, { method: 'broker', params: {}, deadlineMs: DEADLINE_MS }, signal)) {
      bytes += chunk.byteLength;
      if (bytes > MAX_BYTES) throw new EdgeError('frame_too_large', `The answer of node "${ref.node}" has no end.`);
      chunks.push(chunk);
    }
    return shownIn(ref, Buffer.concat(chunks));
  }
}

function shownIn({ node }: NodeRef, answer: Uint8Array): BrokerShown {
  try {
    return saidIn(brokerShown, answer);
  } catch (cause) {
    const words = `Node "${node}" answered in another form; is its agent up to date?`;
    throw new EdgeError('protocol_mismatch', words, { cause });
  }
}
