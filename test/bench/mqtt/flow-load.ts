import { setTimeout as later } from 'node:timers/promises';
import { cpuSeconds } from '../resources.js';
import { Publisher } from './publisher.js';
import { connectAll, RawClient } from './raw-client.js';
import type { Flow, Flowed } from './words.js';

const WARM_MS = 1_000;
const STALLED_MS = 10_000;

/** Keeps every publisher's window full for a while, and counts what arrives. */
export async function flow(wanted: Flow): Promise<Flowed> {
  const { subscribers, publishers, qos } = wanted;
  const isFan = publishers === 1;
  const into = await connectAll(wanted, subscribers, 's');
  for (const [index, client] of into.entries()) await client.subscribe(isFan ? 't/0' : `t/${index}`, qos);
  if (wanted.frozen === true) await freeze(wanted);
  const out = await connectAll(wanted, publishers, 'p');
  const sources = out.map((client, index) => new Source(client, index, wanted));
  let delivered = 0;
  for (const [index, client] of into.entries())
    client.onMessage = () => {
      delivered += 1;
      sources[isFan ? 0 : index]?.arrived();
    };
  for (const source of sources) source.fill();
  const measured = await measure(() => delivered, wanted);
  for (const { socket } of [...out, ...into]) socket.destroy();
  return measured;
}

/** A publisher and how much of what it sent is done with. */
class Source {
  readonly #publisher: Publisher;
  #arrived = 0;
  #acknowledged = 0;

  constructor(
    client: RawClient,
    index: number,
    private readonly of: Flow,
  ) {
    const payload = Buffer.alloc(of.bytes, 'x');
    this.#publisher = new Publisher(client, { topic: `t/${index}`, payload, qos: of.qos });
    client.onAcknowledged = () => {
      this.#acknowledged += 1;
      this.fill();
    };
  }

  /** At one of its subscribers. */
  arrived(): void {
    this.#arrived += 1;
    this.fill();
  }

  /** Half a window at once: a write for each message would be the load's own limit. */
  fill(): void {
    const { qos, window, publishers, subscribers } = this.of;
    const arrived = publishers === 1 ? Math.floor(this.#arrived / subscribers) : this.#arrived;
    const open = this.#publisher.sent - (qos === 0 ? arrived : Math.min(arrived, this.#acknowledged));
    if (open <= window / 2) this.#publisher.send(window - open);
  }
}

async function measure(count: () => number, { seconds, pid, deliveries = Infinity }: Flow): Promise<Flowed> {
  if (seconds !== undefined) await later(WARM_MS);
  const from = { at: performance.now(), count: count(), cpu: process.cpuUsage(), broker: cpuSeconds(pid) };
  const end = from.at + (seconds ?? Infinity) * 1000;
  let [last, since] = [from.count, from.at];
  while (performance.now() < end && count() < deliveries) {
    await later(20);
    if (count() > last) [last, since] = [count(), performance.now()];
    else if (performance.now() - since > STALLED_MS) break;
  }
  const ms = performance.now() - from.at;
  if (last === from.count) throw new Error(`nothing arrived any more after ${last} messages`);
  const { user, system } = process.cpuUsage(from.cpu);
  const delivered = count() - from.count;
  return {
    perSecond: (delivered / ms) * 1000,
    perCoreSecond: delivered / (cpuSeconds(pid) - from.broker),
    busy: (user + system) / 1000 / ms,
  };
}

async function freeze(target: Flow): Promise<void> {
  const frozen = await RawClient.connect(target, 'frozen');
  await frozen.subscribe('t/#', target.qos);
  frozen.freeze();
}
