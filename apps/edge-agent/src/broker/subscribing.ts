import { maySubscribe, type Place } from './acl.js';
import type { Counters } from './counters.js';
import { filterProblem } from './filters.js';
import type { InnerClient } from './inner.js';
import type { BrokerLimits } from '@selvage/protocol';

/** Return code of a refused subscription [MQTT-3.9.3-2]. */
export const REFUSED = 128;

export interface SubscribingOptions {
  readonly place: Place;
  readonly limits: () => BrokerLimits;
  readonly counters: Counters;
}

/** Which subscriptions are granted. */
export class Subscribing {
  constructor(private readonly options: SubscribingOptions) {}

  /** Sets the QoS of those that are refused to 128. */
  judge(client: InnerClient, subscriptions: { topic: string; qos: number }[]): void {
    const held = new Set(Object.keys(client.subscriptions));
    for (const subscription of subscriptions) {
      const why = this.refusal(client, subscription.topic, held);
      if (why === undefined) held.add(subscription.topic);
      else {
        this.options.counters.add(why);
        subscription.qos = REFUSED;
      }
    }
  }

  /** Why a client that holds these subscriptions does not get another one. */
  refusal(
    { who }: InnerClient,
    filter: string,
    held: ReadonlySet<string>,
  ): 'too_many_subscriptions' | 'subscribe_denied' | undefined {
    const { place, limits } = this.options;
    const { subscriptions, topicLevels, topicBytes } = limits();
    if (!held.has(filter) && held.size >= subscriptions) return 'too_many_subscriptions';
    const fits = Buffer.byteLength(filter) <= topicBytes && filterProblem(filter, topicLevels) === undefined;
    return fits && who !== undefined && maySubscribe(who, filter, place) ? undefined : 'subscribe_denied';
  }
}
