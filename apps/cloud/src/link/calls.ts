import { Injectable } from '@nestjs/common';
import { EdgeError, frames, nodeKey, type NodeRef } from '@selvage/protocol';
import type { NodeSession } from './node-session.js';
import { OpenCall } from './open-call.js';
import { Sessions } from './sessions.js';

/** What is asked of a node. `deadlineMs`: until the first answer; absent for a stream that may be silent for long. */
export interface CallRequest {
  readonly method: string;
  readonly params: unknown;
  readonly deadlineMs?: number;
}

const MAX_CALLS = 64;

/** Asks a node something now, or never. */
@Injectable()
export class Calls {
  constructor(private readonly sessions: Sessions) {}

  /**
   * The chunks of a node's answer. More is asked for only as they are taken, so that a slow reader never fills memory. Ending the
   * iteration or aborting the signal cancels the call on the node.
   * @throws EdgeError `node_offline` at once, `deadline_exceeded`, or whatever the node answered.
   */
  async *open(node: NodeRef, request: CallRequest, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    const session = this.sessions.live(node);
    if (session === undefined) throw new EdgeError('node_offline', `Node "${node.node}" is not connected now.`);
    const calls = (session.calls ??= new Map<number, OpenCall>());
    if (calls.size >= MAX_CALLS)
      throw new EdgeError('too_many_requests', `Node "${node.node}" has ${MAX_CALLS} calls under way.`);
    const id = session.nextCall++;
    const call = openOn(session, id);
    calls.set(id, call);
    const cancel = (): void => {
      call.giveUp();
    };
    signal.addEventListener('abort', cancel, { once: true });
    const noAnswer = deadline(call, request, node);
    try {
      session.send({ t: 'call', id, ...request, credit: frames.CALL_WINDOW });
      if (signal.aborted) cancel();
      for (let chunk = await call.next(); chunk !== undefined; chunk = await call.next()) {
        clearTimeout(noAnswer);
        yield chunk;
      }
    } finally {
      clearTimeout(noAnswer);
      signal.removeEventListener('abort', cancel);
      call.giveUp();
      calls.delete(id);
    }
  }
}

function openOn(session: NodeSession, id: number): OpenCall {
  return new OpenCall({
    credit: (bytes) => {
      session.send({ t: 'credit', id, bytes });
    },
    cancel: () => {
      session.send({ t: 'cancel', id });
    },
  });
}

function deadline(call: OpenCall, { deadlineMs, method }: CallRequest, ref: NodeRef): NodeJS.Timeout | undefined {
  if (deadlineMs === undefined) return undefined;
  return setTimeout(() => {
    const late = new EdgeError('deadline_exceeded', `${nodeKey(ref)} did not answer "${method}" in ${deadlineMs} ms.`);
    call.giveUp(late);
  }, deadlineMs);
}
