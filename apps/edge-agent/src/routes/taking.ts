import { type NewMessage, OutboxRefusal } from '@selvage/outbox';
import {
  type DesiredRoute,
  MAX_HOPS,
  MAX_ROUTED_PAYLOAD,
  MAX_TOPIC,
  type RoutedMessage,
  toEdgeError,
} from '@selvage/protocol';
import type { Captures } from '@selvage/routes';
import type { Counts, Refused } from './counts.js';
import { envelope, type Incoming, laneMessage, type Making } from './envelope.js';
import { unprocessedLaneOf } from './lanes.js';
import type { Appendable } from './options.js';
import { type Process, type Processed, processing } from './processing.js';

export interface TakingPorts {
  readonly hub: Appendable;
  readonly local: Appendable;
  readonly counts: Pick<Counts, 'taken' | 'filtered' | 'failed' | 'dropped'>;
  readonly node: Making['node'];
  /** Makes UUIDs. */
  readonly newId: () => string;
}

/** Takes messages for one route: filters, transforms, and puts them into the outbox of its target. */
export class Taking {
  readonly #process: Process;

  constructor(
    private readonly route: DesiredRoute,
    private readonly ports: TakingPorts,
  ) {
    this.#process = processing(route);
  }

  /**
   * Resolves when the message is on the disk; undefined when there is nothing to wait for.
   * @throws OutboxRefusal as a rejection: it must not be acknowledged.
   */
  take(incoming: Incoming, captures: Captures): Promise<void> | undefined {
    const { uid } = this.route;
    const { counts, node, newId } = this.ports;
    const refusal = refusalOf(incoming, uid);
    if (refusal !== undefined) counts.dropped(uid, ...refusal);
    const stored = refusal === undefined ? this.#took(envelope(incoming, { uid, captures, node, newId })) : undefined;
    if (stored === undefined) counts.taken(uid);
    return stored?.then(() => {
      counts.taken(uid);
    });
  }

  /** Takes once more what could not be processed; why it still cannot be. */
  again(routed: RoutedMessage): { readonly failure: string } | { readonly stored: Promise<void> | undefined } {
    const processed = this.#processed(routed);
    return 'failure' in processed ? processed : { stored: this.#passed(routed, processed.as) };
  }

  #took(routed: RoutedMessage): Promise<void> | undefined {
    const processed = this.#processed(routed);
    return 'failure' in processed ? this.#unprocessed(routed, processed.failure) : this.#passed(routed, processed.as);
  }

  #passed(routed: RoutedMessage, as: Processed | undefined): Promise<void> | undefined {
    const { uid, target } = this.route;
    const { counts, hub, local } = this.ports;
    const outbox = target.kind === 'hub' ? hub : local;
    if (as !== undefined) return this.#append(outbox, laneMessage(this.route, { ...routed, ...as }));
    counts.filtered(uid);
    return undefined;
  }

  #processed(routed: RoutedMessage): { readonly as: Processed | undefined } | { readonly failure: string } {
    try {
      return { as: this.#process(routed) };
    } catch (error) {
      return { failure: toEdgeError(error).detail };
    }
  }

  /** What would never fit is not refused: its publisher would send the same again and again. */
  async #append(outbox: Appendable, message: NewMessage): Promise<void> {
    const { counts } = this.ports;
    const { uid } = this.route;
    try {
      await outbox.append(message);
    } catch (error) {
      if (!(error instanceof OutboxRefusal) || error.code !== 'too_large') throw error;
      counts.failed(uid, error.message);
    }
  }

  /** Whoever published it is not to blame: it is kept as it came, so that it can be looked at and tried again. */
  async #unprocessed(routed: RoutedMessage, detail: string): Promise<void> {
    const message = { ...laneMessage(this.route, routed), lane: unprocessedLaneOf(this.route.uid) };
    await this.#append(this.ports.local, message);
    this.ports.counts.failed(this.route.uid, detail);
  }
}

function refusalOf({ topic, payload, hops }: Incoming, uid: string): [Refused, string] | undefined {
  if (hops.includes(uid)) return ['loop', `A message on ${topic} went through this route already.`];
  if (hops.length >= MAX_HOPS) return ['loop', `A message on ${topic} went through ${MAX_HOPS} routes already.`];
  if (topic.length > MAX_TOPIC) return ['too-large', `A topic has ${topic.length} characters, more than ${MAX_TOPIC}.`];
  const { byteLength } = payload;
  if (byteLength <= MAX_ROUTED_PAYLOAD) return undefined;
  return ['too-large', `A message on ${topic} has ${byteLength} bytes; a route carries ${MAX_ROUTED_PAYLOAD} at most.`];
}
