import {
  deadCall,
  deadChoiceCall,
  type DeadAnswer,
  deliverCall,
  type DeliverAnswer,
  requestCall,
} from '@selvage/protocol';
import type { Clock } from '@selvage/reconcile';
import { DeadLetters } from './dead-letters.js';
import type { CallRegistry, RoutesOptions } from './options.js';
import type { Publishing } from './publishing.js';
import { askService, type Sink } from './request-call.js';

export interface CallsPorts extends Pick<RoutesOptions, 'hub' | 'local'> {
  readonly calls: CallRegistry;
  readonly publishing: Pick<Publishing, 'publish'>;
  /** Ports of this node that the hub may call. */
  readonly services: () => readonly number[];
  readonly clock: Pick<Clock, 'timer'>;
}

/** Answers what the hub asks of the routes of this node. */
export function answerCalls({ calls, publishing, services, clock, hub, local }: CallsPorts): void {
  const letters = new DeadLetters({ hub, local });
  calls.register('route.deliver', deliverCall, async ({ epoch, lane, items }, sink) => {
    const messages = items.map(({ hops = [], ...item }) => ({ ...item, hops }));
    const outcomes = await publishing.publish({ epoch, lane }, messages);
    await answer(sink, { outcomes } satisfies DeliverAnswer);
  });
  calls.register('route.request', requestCall, (call, sink, signal) =>
    askService(call, { services: services(), clock, sink, signal }),
  );
  calls.register('route.dead', deadCall, async (asked, sink) => {
    await answer(sink, { letters: await letters.list(asked) } satisfies DeadAnswer);
  });
  calls.register('route.revive', deadChoiceCall, async ({ uid, seqs }, sink) => {
    await answer(sink, { count: await letters.revive(uid, seqs) });
  });
  calls.register('route.discard', deadChoiceCall, async ({ uid, seqs }, sink) => {
    await answer(sink, { count: await letters.discard(uid, seqs) });
  });
}

function answer(sink: Sink, value: object): Promise<void> {
  return sink.write(Buffer.from(JSON.stringify(value), 'utf8'));
}
