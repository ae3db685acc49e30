import { type DeliverOutcome, type EdgeError, MAX_TOPIC, toEdgeError } from '@selvage/protocol';
import type { Clock } from '@selvage/reconcile';
import type { Delivered, Source } from './delivered.js';
import type { Incoming } from './envelope.js';

/** A message that a route publishes on the node's own broker. */
export interface Publication extends Omit<Incoming, 'at'> {
  readonly seq: number;
  readonly qos: 0 | 1;
  readonly retain: boolean;
}

export type Publish = (message: {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: 0 | 1;
  readonly retain: boolean;
}) => Promise<void>;

export interface PublishingPorts {
  readonly publish: Publish;
  readonly delivered: Delivered;
  /** Offers a message to the routes of this node; resolves when those that take it have it on the disk. */
  readonly offer: (incoming: Incoming) => Promise<void> | undefined;
  readonly clock: Pick<Clock, 'now'>;
}

const DELIVERED: DeliverOutcome = { is: 'delivered' };

/** Publishes what routes bring to this node's broker: each message once, however often it is brought, also over a restart. */
export class Publishing {
  readonly #ports: PublishingPorts;
  /** What became of those under way. */
  readonly #underWay = new Map<string, Promise<DeliverOutcome>>();

  constructor(ports: PublishingPorts) {
    this.#ports = ports;
  }

  /**
   * Publishes messages of one lane; what became of each.
   * @throws EdgeError when none of them could be published, for a reason that lies in none of them
   */
  publish(source: Source, messages: readonly Publication[]): Promise<DeliverOutcome[]> {
    const { delivered } = this.#ports;
    const isNew = ({ seq, topic }: Publication): boolean =>
      !delivered.has(source, seq) && !this.#underWay.has(nameOf(source, seq)) && topicProblem(topic) === undefined;
    const fresh = [...new Map(messages.filter(isNew).map((message) => [message.seq, message])).values()];
    if (fresh.length > 0) this.#begin(source, fresh);
    return Promise.all(messages.map((message) => this.#outcomeOf(source, message)));
  }

  #outcomeOf(source: Source, { seq, topic }: Publication): Promise<DeliverOutcome> {
    const detail = topicProblem(topic);
    if (detail !== undefined) return Promise.resolve({ is: 'rejected', code: 'bad_request', detail });
    return this.#underWay.get(nameOf(source, seq)) ?? Promise.resolve(DELIVERED);
  }

  #begin(source: Source, fresh: readonly Publication[]): void {
    const published = this.#publish(source, fresh);
    for (const [index, { seq }] of fresh.entries()) {
      const name = nameOf(source, seq);
      const one = published.then((outcomes) => outcomes[index] ?? DELIVERED);
      this.#underWay.set(name, one);
      const gone = (): void => {
        this.#underWay.delete(name);
      };
      one.then(gone, gone);
    }
  }

  async #publish(source: Source, messages: readonly Publication[]): Promise<DeliverOutcome[]> {
    const { publish, delivered, offer, clock } = this.#ports;
    const at = clock.now();
    const offers = messages.flatMap((message) => offer({ ...message, at }) ?? []);
    if (offers.length > 0) await Promise.all(offers);
    // In one turn: what the broker keeps for its clients, and that it did, are one commit.
    const sent = messages.map(({ topic, payload, qos, retain }) =>
      publish({ topic, payload: Buffer.from(payload), qos, retain }),
    );
    const note = delivered.note(
      source,
      messages.map(({ seq }) => seq),
    );
    const [results] = await Promise.all([Promise.allSettled(sent), note.stored.catch(toEdgeError)]);
    const outcomes = results.map(outcomeOf);
    const failed = messages.filter((_message, index) => outcomes[index]?.is === 'failed');
    if (failed.length > 0) note.undo(failed.map(({ seq }) => seq));
    if (failed.length === messages.length) throw reasonOf(results);
    return outcomes;
  }
}

function outcomeOf(result: PromiseSettledResult<void>): DeliverOutcome {
  if (result.status === 'fulfilled') return DELIVERED;
  const { code, detail } = toEdgeError(result.reason);
  return { is: 'failed', code, detail: detail.slice(0, 1024) };
}

function reasonOf(results: readonly PromiseSettledResult<void>[]): EdgeError {
  const first = results.find((result) => result.status === 'rejected');
  return toEdgeError(first?.reason);
}

/** What the agent alone says is not for routes; nor is what nobody could publish. */
function topicProblem(topic: string): string | undefined {
  if (topic === '' || topic.length > MAX_TOPIC)
    return `A topic has 1 to ${MAX_TOPIC} characters, this one ${topic.length}.`;
  if (/[+#\0]/.test(topic)) return `The topic ${JSON.stringify(topic)} has a wildcard, or a NUL.`;
  return topic.startsWith('$') ? `Routes do not publish on topics that begin with $, as ${topic} does.` : undefined;
}

function nameOf({ epoch, lane }: Source, seq: number): string {
  return `${epoch} ${lane} ${seq}`;
}
