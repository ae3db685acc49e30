import { type ReportedTwins, reportedTwins, type TwinChanges, twinChanges } from '@selvage/protocol';
import type { InboundHandler, InboundMessage, InboundReport, JsonMessage, MessageHandler } from '../link/index.js';
import type { HeardOf, Twins } from './twins.service.js';

/** Sections in which nodes report twins: all of them, or the devices of one of 256 buckets. */
const SECTIONS: readonly string[] = [
  'twins',
  ...Array.from({ length: 256 }, (_, bucket) => `twins.${bucket.toString(16).padStart(2, '0')}`),
];

/**
 * Takes what nodes report of the twins of their devices. A device that a report does not name is left as it is, since a report may be
 * about some of them only.
 */
export function twinHandlers(twins: Pick<Twins, 'report' | 'told'>): InboundHandler<ReportedTwins>[] {
  const heard = new WeakMap<InboundReport<ReportedTwins>, readonly HeardOf[]>();
  return SECTIONS.map((section) => ({
    section,
    schema: reportedTwins,
    async apply(tx, reports) {
      const all = reports.flatMap(({ ref, value, at }) => value.devices.map((said) => ({ ref, said, at })));
      const told = await twins.report(tx, all);
      for (const [index, report] of reports.entries()) heard.set(report, index === 0 ? told : []);
    },
    committed(reports) {
      for (const report of reports) twins.told(heard.get(report) ?? []);
    },
  }));
}

/** Lane in which nodes send what changed in twins. */
const LANE = 'twins';

/** Takes the changes that nodes send, each of which is wanted for the history. */
export function twinMessages(
  twins: Pick<Twins, 'record' | 'told'>,
): MessageHandler<JsonMessage<TwinChanges>> & { readonly schema: typeof twinChanges } {
  // By the body, which a message and what was parsed of it have in common.
  const heard = new WeakMap<InboundMessage['body'], readonly HeardOf[]>();
  return {
    lane: LANE,
    schema: twinChanges,
    async apply(tx, messages) {
      const told = await twins.record(
        tx,
        messages.map(({ ref, value: { changes } }) => ({ ref, changes })),
      );
      for (const [index, message] of messages.entries()) heard.set(message.body, index === 0 ? told : []);
    },
    committed(messages) {
      for (const { body } of messages) twins.told(heard.get(body) ?? []);
    },
  };
}
