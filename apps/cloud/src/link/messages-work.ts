import { EdgeError } from '@selvage/protocol';
import type { Transaction } from '../db/index.js';
import type { Arrived, MessageSource } from './messages-intake.js';
import { keyOf, type LanePosition, type LaneRef, type Rejection } from './lane-position.js';
import type { MessagePositions } from './messages-positions.service.js';
import type { InboundMessage, MessageHandler, MessageRegistry } from './messages.js';

export interface MessageWorkOptions {
  readonly registry: MessageRegistry;
  readonly positions: MessagePositions;
  readonly batch: readonly Arrived[];
}

/** What is told to one link of one lane. */
interface Notice {
  readonly epoch: string;
  readonly lane: string;
  upTo: number;
  readonly rejected: { readonly seq: number; readonly why: Rejection }[];
}

/** One transaction's messages: which of them are new, what their slices do with them, and what the nodes are told afterwards. */
export class MessageWork {
  private readonly notices = new Map<MessageSource, Map<string, Notice>>();
  private readonly work = new Map<MessageHandler, InboundMessage[]>();
  private readonly origins = new Map<InboundMessage, { arrived: Arrived; position: LanePosition }>();
  private readonly refused = new Set<InboundMessage>();

  constructor(private readonly options: MessageWorkOptions) {}

  /** Gives the new ones to their slices. */
  async run(tx: Transaction): Promise<void> {
    const positions = await this.sort(tx);
    for (const [handler, messages] of this.work)
      await handler.apply(tx, messages, (message, why) => {
        this.refuse(message, why);
      });
    await this.options.positions.save(tx, positions);
  }

  /** Gives them to nobody, and rejects the new ones. */
  async reject(tx: Transaction, why: Rejection): Promise<void> {
    const positions = await this.sort(tx);
    for (const message of this.origins.keys()) this.refuse(message, why);
    await this.options.positions.save(tx, positions);
  }

  /** Tells each node what it may forget: call it after the commit. */
  tell(): void {
    for (const [source, notices] of this.notices)
      for (const { epoch, lane, upTo, rejected } of notices.values()) {
        for (const { seq, why } of rejected)
          source.send({ t: 'rejected', epoch, seq, code: why.code, detail: why.detail.slice(0, 1024) });
        source.send({ t: 'settled', epoch, lane, upTo });
      }
  }

  committed(): void {
    for (const [handler, messages] of this.work)
      handler.committed?.(messages.filter((message) => !this.refused.has(message)));
  }

  /** Call it when it is not known whether there was a commit. */
  unsure(): void {
    for (const [handler, messages] of this.work) handler.unsure?.(messages);
  }

  private async sort(tx: Transaction): Promise<Iterable<LanePosition>> {
    const { registry, positions, batch } = this.options;
    const known = new Map(batch.filter(({ message }) => registry.get(message.lane) !== undefined).map(laneOf));
    const held = await positions.hold(tx, [...known.values()]);
    for (const arrived of batch) this.place(arrived, held.get(laneOf(arrived)[0]));
    return held.values();
  }

  private place(arrived: Arrived, position: LanePosition | undefined): void {
    const { lane, seq } = arrived.message;
    const notice = this.notice(arrived);
    const handler = this.options.registry.get(lane);
    if (handler === undefined || position === undefined) {
      notice.rejected.push({ seq, why: new EdgeError('not_found', `The hub knows of nobody who takes "${lane}".`) });
      return;
    }
    if (position.pass(seq)) {
      const message = { ref: arrived.source.ref, epoch: arrived.epoch, ...arrived.message };
      this.origins.set(message, { arrived, position });
      const own = this.work.get(handler);
      if (own === undefined) this.work.set(handler, [message]);
      else own.push(message);
      return;
    }
    const why = position.rejection(seq);
    if (why !== undefined) notice.rejected.push({ seq, why });
  }

  private refuse(message: InboundMessage, { code, detail }: Rejection): void {
    const origin = this.origins.get(message);
    if (origin === undefined || this.refused.has(message)) return;
    this.refused.add(message);
    origin.position.reject(message.seq, { code, detail });
    this.notice(origin.arrived).rejected.push({ seq: message.seq, why: { code, detail } });
  }

  private notice({ source, epoch, message: { lane, seq } }: Arrived): Notice {
    const own = this.notices.get(source) ?? new Map<string, Notice>();
    this.notices.set(source, own);
    const notice = own.get(`${epoch} ${lane}`) ?? { epoch, lane, upTo: seq, rejected: [] };
    notice.upTo = Math.max(notice.upTo, seq);
    own.set(`${epoch} ${lane}`, notice);
    return notice;
  }
}

function laneOf({ source: { ref }, epoch, message: { lane } }: Arrived): [key: string, of: LaneRef] {
  const of = { ref, epoch, lane };
  return [keyOf(of), of];
}
