import type { DesiredRoute } from '@selvage/protocol';
import type { Captures } from '@selvage/routes';
import type { Incoming } from './envelope.js';
import { takersOf } from './match.js';
import type { ClientMessage, RoutesOptions } from './options.js';
import { plan, type Step } from './plan.js';
import { Taking, type TakingPorts } from './taking.js';

export interface TablePorts extends TakingPorts {
  readonly bus: RoutesOptions['bus'];
}

interface Open {
  readonly route: DesiredRoute;
  readonly taking: Taking;
  /** Ends the taking; absent for a route that is stopped. */
  readonly leave?: () => void;
}

const MAX_CACHED = 10_000;

/** The routes that are open: each takes what the broker's clients publish on its topics. */
export class Table {
  readonly #open = new Map<string, Open>();
  readonly #cache = new Map<string, ReadonlyMap<string, Captures>>();

  constructor(private readonly ports: TablePorts) {}

  get routes(): DesiredRoute[] {
    return [...this.#open.values()].map(({ route }) => route);
  }

  takingOf(uid: string): Taking | undefined {
    return this.#open.get(uid)?.taking;
  }

  /** Brings the routes to what is wanted; gives what it did. Others go on as before. */
  apply(wanted: readonly DesiredRoute[]): readonly Step[] {
    const steps = plan(new Map([...this.#open].map(([uid, { route }]) => [uid, route])), wanted);
    for (const step of steps) {
      if (step.kind === 'close') this.#close(step.uid);
      else this.#start(step.route);
    }
    this.#cache.clear();
    return steps;
  }

  close(): void {
    for (const uid of [...this.#open.keys()]) this.#close(uid);
  }

  /** Takes a message that a route published; resolves when all who take it have it on the disk. Undefined: nobody does. */
  offer(incoming: Incoming): Promise<void> | undefined {
    const waits = [...this.#takers(incoming.topic)].flatMap(
      ([uid, captures]) => this.#open.get(uid)?.taking.take(incoming, captures) ?? [],
    );
    return waits.length === 0 ? undefined : Promise.all(waits).then(() => undefined);
  }

  #start(route: DesiredRoute): void {
    const taking = new Taking(route, this.ports);
    if (route.state === 'stopped') {
      this.#open.set(route.uid, { route, taking });
      return;
    }
    const leave = this.ports.bus.take(route.topic, (message) => {
      const captures = this.#takers(message.topic).get(route.uid);
      return captures === undefined ? undefined : taking.take(incomingOf(message), captures);
    });
    this.#open.set(route.uid, { route, taking, leave });
  }

  #close(uid: string): void {
    this.#open.get(uid)?.leave?.();
    this.#open.delete(uid);
  }

  /** Who takes messages of a topic. A stopped route takes none, and leaves them to those it would come before. */
  #takers(topic: string): ReadonlyMap<string, Captures> {
    const known = this.#cache.get(topic);
    if (known !== undefined) return known;
    const takers = takersOf(
      this.routes.filter(({ state }) => state !== 'stopped'),
      topic,
    );
    if (this.#cache.size >= MAX_CACHED) this.#cache.clear();
    this.#cache.set(topic, takers);
    return takers;
  }
}

function incomingOf({ topic, payload, at, from }: ClientMessage): Incoming {
  return { topic, payload, at, hops: [], ...(from.kind === 'device' && { device: from.id }) };
}
