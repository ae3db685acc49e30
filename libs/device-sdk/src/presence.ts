/** How the device is, in its own word: state, so it is said again after every reconnect. */
import { type EdgeError, type REPORTED_STATES, toEdgeError } from '@selvage/protocol';
import type { Requests } from './requests.js';

/** A state of a device, as nodes know it. */
export type ReportedState = (typeof REPORTED_STATES)[number];

/** What presence needs of its device. `isAutomatic`: say `online` without being asked. */
export interface PresencePorts {
  readonly isAutomatic: boolean;
  readonly requests: Requests;
  readonly failed: (error: EdgeError) => void;
}

export class Presence {
  #state: ReportedState | undefined;
  #isKnown = false;

  constructor(private readonly ports: PresencePorts) {}

  /** Says a state now or once connected, and after every reconnect. Resolves when the node knows it or a newer one. */
  async set(state: ReportedState): Promise<void> {
    this.#state = state;
    await this.#say(state);
  }

  /** The device is connected: whatever was said last is said again. */
  announce(): void {
    const state = this.#state ?? (this.ports.isAutomatic ? 'online' : undefined);
    if (state === undefined) return;
    this.#isKnown = true;
    this.#say(state).catch((error: unknown) => {
      this.#isKnown = false;
      this.ports.failed(toEdgeError(error));
    });
  }

  /** The node has news for the device: it may be bound only now, and then the node does not know its state yet. */
  announceAgain(): void {
    if (!this.#isKnown) this.announce();
  }

  /** The device goes on purpose. */
  leave(): void {
    if (this.#state === undefined && !this.ports.isAutomatic) return;
    // Whether the node hears it makes no difference to a device that goes.
    this.#say('offline').catch(() => undefined);
  }

  async #say(state: ReportedState): Promise<void> {
    const parts = new Map([['state', state]]);
    await this.ports.requests.ask({ of: 'state/update', parts, body: () => ({ state }) });
  }
}
