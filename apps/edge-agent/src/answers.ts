import { type BrokerShown, MAX_SHOWN_CLIENTS } from '@selvage/protocol';
import type { Broker } from './broker/index.js';
import type { CallRegistry } from './link/index.js';

/** Answers the hub's call `broker`: how the broker stands now. */
export function answerBroker(calls: CallRegistry, broker: Pick<Broker, 'status'>): void {
  calls.register('broker', { parse: () => undefined }, async (_nothing, sink) => {
    await sink.write(Buffer.from(JSON.stringify(shown(broker)), 'utf8'));
  });
}

const MAX_SHOWN_SUBSCRIPTIONS = 100;

function shown(broker: Pick<Broker, 'status'>): BrokerShown {
  const { listeners, clients, ...figures } = broker.status();
  const listed = clients
    .slice(0, MAX_SHOWN_CLIENTS)
    .map((one) => ({ ...one, subscriptions: one.subscriptions.slice(0, MAX_SHOWN_SUBSCRIPTIONS) }));
  return {
    ...figures,
    counters: { ...figures.counters },
    listeners: [...listeners],
    clientCount: clients.length,
    clients: listed,
  };
}
