import { Away, type Outcome } from '@selvage/outbox';
import { type DesiredTarget, toEdgeError } from '@selvage/protocol';
import { fill } from '@selvage/routes';
import type { Rate } from './bucket.js';
import type { Source } from './delivered.js';
import type { Publication, Publishing } from './publishing.js';
import { DELIVERED, WAITS, type Item, rejected, type Target } from './target.js';

export interface ToEdgePorts {
  readonly publishing: Pick<Publishing, 'publish'>;
  readonly rate: Rate;
  /** The lane that the messages come from, of the outbox as it is now. */
  readonly source: () => Source;
}

/** Publishes on the node's own broker. */
export class ToEdge implements Target {
  constructor(
    private readonly target: Extract<DesiredTarget, { kind: 'edge' }>,
    private readonly ports: ToEdgePorts,
  ) {}

  async deliver(items: readonly Item[], signal: AbortSignal): Promise<readonly Outcome[]> {
    const { rate } = this.ports;
    const outcomes: Outcome[] = [];
    try {
      while (outcomes.length < items.length) {
        const many = await rate.take(items.length - outcomes.length, signal);
        outcomes.push(...(await this.#publish(items.slice(outcomes.length, outcomes.length + many))));
      }
    } catch (error) {
      if (outcomes.length === 0) throw new Away(toEdgeError(error).detail, { cause: error });
    }
    return items.map((_item, index) => outcomes[index] ?? WAITS);
  }

  async #publish(items: readonly Item[]): Promise<Outcome[]> {
    const { publishing, source } = this.ports;
    const made = items.map((item) => this.#made(item));
    const messages = made.filter((one): one is Publication => 'topic' in one);
    const published = messages.length === 0 ? [] : await publishing.publish(source(), messages);
    return made.map((one) => ('topic' in one ? (published.shift() ?? DELIVERED) : one));
  }

  #made({ seq, message }: Item): Publication | Outcome {
    const { qos, retain } = this.target;
    const { payload, device, traceparent, hops = [] } = message;
    try {
      return { seq, topic: fill(this.target.topic, message.vars), payload, qos, retain, device, traceparent, hops };
    } catch (error) {
      return rejected(error);
    }
  }
}
