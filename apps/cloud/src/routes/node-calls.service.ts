import { Injectable } from '@nestjs/common';
import { EdgeError, type NodeRef } from '@selvage/protocol';
import type { z } from 'zod';
import { Calls } from '../link/index.js';

const ANSWER_MS = 30_000;
const MAX_ANSWER = 4 * 1024 * 1024;

/** Calls to nodes whose answers are JSON of one form. */
@Injectable()
export class NodeCalls {
  constructor(private readonly calls: Calls) {}

  /** @throws EdgeError `node_offline`, `deadline_exceeded`, `bad_request` for another form, and what the node answers. */
  async json<S extends z.ZodType>(
    node: NodeRef,
    { method, params, answer }: { readonly method: string; readonly params: unknown; readonly answer: S },
    signal: AbortSignal = new AbortController().signal,
  ): Promise<z.output<S>> {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of this.calls.open(node, { method, params, deadlineMs: ANSWER_MS }, signal)) {
      size += chunk.byteLength;
      if (size > MAX_ANSWER) throw new EdgeError('bad_request', `Node "${node.node}" answered "${method}" too long.`);
      chunks.push(chunk);
    }
    const parsed = answer.safeParse(valueOf(Buffer.concat(chunks)));
    if (parsed.success) return parsed.data;
    throw new EdgeError('bad_request', `Node "${node.node}" answered "${method}" in another form.`);
  }
}

function valueOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}
