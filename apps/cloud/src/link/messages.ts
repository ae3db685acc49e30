import { Injectable } from '@nestjs/common';
import { EdgeError, type NodeRef, toEdgeError } from '@selvage/protocol';
import type { z } from 'zod';
import type { Transaction } from '../db/index.js';
import { saidIn } from './said.js';

/** One message of one node. (`ref`, `epoch`, `seq`) names it for ever, and no handler sees it in two transactions that commit. */
export interface InboundMessage {
  readonly ref: NodeRef;
  readonly epoch: string;
  readonly seq: number;
  readonly lane: string;
  /** When it came into being by the node's clock, epoch milliseconds. */
  readonly at: number;
  readonly key?: string | undefined;
  /** What was left of its life when it came, milliseconds. */
  readonly ttlMs?: number | undefined;
  readonly body: Uint8Array;
}

/** The same with its body, parsed. */
export interface JsonMessage<T> extends InboundMessage {
  readonly value: T;
}

/** Says of one message that it will never be taken: the node keeps it as a dead letter with these words. */
export type Refuse = (message: InboundMessage, why: EdgeError) => void;

/** What a slice does with the messages of one lane. */
export interface MessageHandler<M extends InboundMessage = InboundMessage> {
  /** Name of the lane. With `takes`, only what the names of its lanes begin with. */
  readonly lane: string;
  /** Whether a lane is one of its own: for whoever has many. A node must not be able to make up lanes, since each is remembered. */
  takes?(lane: string): boolean;
  /**
   * Writes messages of many nodes, of each node's lane in order, with a bounded number of queries. What it writes is committed
   * together with the note that the messages have come; when it throws, they are given to it again, alone in the end.
   */
  apply(tx: Transaction, messages: readonly M[], refuse: Refuse): Promise<void>;
  /** Told after the commit, of those that were not refused: for the live feed and for pokes. */
  committed?(messages: readonly InboundMessage[]): void;
  /** Told when the database went away and nobody knows whether they were committed. */
  unsure?(messages: readonly InboundMessage[]): void;
}

/** Where slices say which lanes they take. */
@Injectable()
export class MessageRegistry {
  private readonly handlers = new Map<string, MessageHandler>();
  private readonly ofMany: MessageHandler[] = [];

  add(handler: MessageHandler): void {
    if (handler.takes === undefined) this.handlers.set(handler.lane, handler);
    else this.ofMany.push(handler);
  }

  /** For a lane whose bodies are JSON of one form; a message of another form is refused. */
  addJson<T>(handler: MessageHandler<JsonMessage<T>> & { readonly schema: z.ZodType<T> }): void {
    const { lane, schema } = handler;
    this.add({
      lane,
      apply: async (tx, messages, refuse) => {
        const parsed = messages.flatMap((message) => parse(message, schema, refuse));
        const origins = new Map<InboundMessage, InboundMessage>(parsed);
        const refuseOrigin: Refuse = (message, why) => {
          refuse(origins.get(message) ?? message, why);
        };
        const values = parsed.map(([value]) => value);
        if (values.length > 0) await handler.apply(tx, values, refuseOrigin);
      },
      committed: (messages) => handler.committed?.(messages),
    });
  }

  /** Who takes a lane. One that nobody named is nobody's, so that a node cannot make up lanes that are remembered. */
  get(lane: string): MessageHandler | undefined {
    return this.handlers.get(lane) ?? this.ofMany.find((handler) => handler.takes?.(lane) === true);
  }
}

/** The message with its value, and as it was; nothing when it was refused. */
function parse<T>(message: InboundMessage, schema: z.ZodType<T>, refuse: Refuse): [JsonMessage<T>, InboundMessage][] {
  try {
    return [[{ ...message, value: saidIn(schema, message.body) }, message]];
  } catch (cause) {
    const { detail } = toEdgeError(cause);
    refuse(message, new EdgeError('bad_request', `It does not have the form of "${message.lane}": ${detail}`));
    return [];
  }
}
