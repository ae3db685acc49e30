const LAST_ID = 65_535;
/** Packet ids that may be in use at once: beyond it a client takes messages without ever acknowledging one. */
const MAX_IN_FLIGHT = 65_000;

/** The packet ids of a client whose session ends with its connection: what it does not acknowledge is sent once and not kept. */
export class PassingIds {
  readonly #inFlight = new Map<number, 1 | 2>();
  #next = 1;

  /** An id that is not in use; undefined when too many are. */
  take(qos: 1 | 2): number | undefined {
    if (this.#inFlight.size >= MAX_IN_FLIGHT) return undefined;
    let id = this.#next;
    while (this.#inFlight.has(id)) id = id >= LAST_ID ? 1 : id + 1;
    this.#next = id >= LAST_ID ? 1 : id + 1;
    this.#inFlight.set(id, qos);
    return id;
  }

  /** An acknowledgement came that ends a message of this QoS. */
  free(id: number, qos: 1 | 2): void {
    if (this.#inFlight.get(id) === qos) this.#inFlight.delete(id);
  }
}
