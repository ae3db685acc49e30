import { randomUUID } from 'node:crypto';
import { EdgeError, frames, VERSION } from '@selvage/protocol';
import { systemClock } from '@selvage/reconcile';
import { Connection, type LinkIdentity } from './link/index.js';

const DEADLINE_MS = 15_000;

/**
 * Knocks at the hub as an agent does, and leaves again once it was greeted. Only for a node whose agent does not run: the hub takes
 * two at a time for two machines.
 * @throws EdgeError with the hub's refusal, or `hub_unreachable`.
 */
export async function tryLink(hubUrl: string, identity: LinkIdentity, deadlineMs = DEADLINE_MS): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const connection = new Connection(hubUrl, identity, {
      opened: () => {
        connection.send(hello());
      },
      frame: ({ t }) => {
        if (t !== 'welcome') return;
        resolve();
        connection.end(new EdgeError('hub_unreachable', 'That was all to be asked.'));
      },
      closed: (why) => {
        cancel();
        reject(why);
      },
    });
    const cancel = systemClock.timer(deadlineMs, () => {
      connection.end(new EdgeError('hub_unreachable', `${hubUrl} did not answer in time.`));
    });
  });
}

function hello() {
  const nothing = { stored: null, desired: {}, reported: {} };
  return { t: 'hello', protocol: frames.LINK_PROTOCOL, agent: VERSION, boot: randomUUID(), ...nothing } as const;
}
