import type { Clock } from '@selvage/reconcile';
import type { Container } from '../docker/index.js';
import { afterExit, type Cause, type Exits } from './exits.js';

/** Remembers, while the agent runs, how each container ended and whether somebody asked for it. */
export class ExitLog {
  readonly #exits = new Map<string, Exits>();
  readonly #killed = new Set<string>();
  #blind = true;

  /** The engine tells that a container was sent a signal: what ends it now is not its own doing. */
  killed(id: string): void {
    this.#killed.add(id);
  }

  /** A container was started: what it was sent before has no more to do with how it ends. */
  started(id: string): void {
    this.#killed.delete(id);
  }

  /** The engine is away: ends that are found when it is back are nobody's fault. */
  blind(): void {
    this.#blind = true;
  }

  /** Counts the ends among all containers that there are, forgets those that are gone, and gives what is known of each. */
  see(containers: readonly Container[], clock: Pick<Clock, 'now' | 'monotonic'>): ReadonlyMap<string, Exits> {
    const there = new Set(containers.map(({ id }) => id));
    for (const id of [...this.#exits.keys(), ...this.#killed]) if (!there.has(id)) this.#forget(id);
    for (const container of containers) {
      const moment = { cause: this.#cause(container.id), now: clock.monotonic(), wall: clock.now() };
      const exits = afterExit(this.#exits.get(container.id), container, moment);
      if (exits) this.#exits.set(container.id, exits);
    }
    this.#blind = false;
    return this.#exits;
  }

  #cause(id: string): Cause {
    if (this.#killed.has(id)) return 'hand';
    return this.#blind ? 'lost' : 'itself';
  }

  #forget(id: string): void {
    this.#exits.delete(id);
    this.#killed.delete(id);
  }
}
