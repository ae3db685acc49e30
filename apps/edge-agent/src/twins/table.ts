import { EdgeError, parseTopic, toEdgeError, type TwinChange } from '@selvage/protocol';
import type { Clock } from '@selvage/reconcile';
import type { Logger } from 'pino';
import { deltaOf } from './device-messages.js';
import type { Keeper } from './keeper.js';
import { type Handled, handle, handleDevice } from './machine.js';
import type { TwinMessage } from './options.js';
import { presented } from './presence.js';
import type { Outgoing } from './publisher.js';
import type { BoundDevice, Moment, Out, TwinNode } from './twin-node.js';
import { chunks, type DesiredSource, differing, partsOf, readWanted } from './wanted.js';

export interface TableOptions {
  /** The devices in memory, which are the table's to change. */
  readonly devices: Map<string, BoundDevice>;
  readonly keeper: Pick<Keeper, 'hasRoom' | 'submit' | 'submitLasting' | 'changed'>;
  readonly desired: DesiredSource;
  readonly clock: Pick<Clock, 'now'>;
  readonly newId: () => string;
  readonly log: Pick<Logger, 'error'>;
  /** The node's name. */
  readonly node: string;
}

/** The devices of the node in memory: runs the pure functions over them and hands what follows to the keeper. */
export class Table {
  readonly #options: TableOptions;
  readonly #node: TwinNode;
  readonly #present = new Set<string>();
  /** What the hub wanted is being applied: what it wants by then comes after it. */
  #isApplying = false;
  #isAsked = false;
  /** Devices that were there at the start, and have not been told yet what is expected of them. */
  #untold: readonly BoundDevice[] = [];
  #isStopped = false;

  constructor(options: TableOptions) {
    this.#options = options;
    this.#node = { node: options.node, devices: options.devices };
  }

  /** Takes over what is on the disk. Whoever was connected before is no longer. */
  start(found: readonly BoundDevice[], damaged: readonly string[]): void {
    const { devices, clock, keeper } = this.#options;
    const gone = found.filter(({ id, isPresent }) => isPresent === true && !this.#present.has(id));
    for (const device of found) devices.set(device.id, device);
    for (const device of gone) devices.set(device.id, presented(device, false, clock.now()));
    keeper.changed([...gone.map(({ id }) => id), ...damaged]);
    this.#untold = [...devices.values()];
  }

  /** A message about one device. @throws EdgeError when it cannot be stored now: then its sender is not told that it was. */
  async device({ topic, payload, from: { id: by } }: TwinMessage): Promise<void> {
    const { devices, keeper } = this.#options;
    const parsed = parseTopic(topic);
    if (parsed?.kind !== 'device') return;
    if (!keeper.hasRoom) throw busy();
    const id = parsed.device;
    const device = devices.get(id);
    const outcome = handleDevice(topic, { device, payload, by }, this.#moment());
    if (!outcome) return;
    const isChanged = outcome.device !== undefined && outcome.device !== device;
    if (isChanged) devices.set(id, outcome.device);
    await keeper.submit({ ...after(outcome), devices: [id], changed: isChanged ? [id] : [] });
  }

  /** Somebody asks which devices there are. */
  async members({ topic, payload }: TwinMessage): Promise<void> {
    const { keeper } = this.#options;
    if (!keeper.hasRoom) throw busy();
    const handled = handle(this.#node, { from: 'mqtt', topic, payload }, this.#moment());
    await keeper.submit({ ...after(handled), devices: [], changed: [] });
  }

  /** A client with the device's own certificate came or went. */
  presence(id: string, isConnected: boolean): void {
    const { devices, keeper, clock } = this.#options;
    if (isConnected) this.#present.add(id);
    else this.#present.delete(id);
    const device = devices.get(id);
    if (!device || (!isConnected && device.isPresent !== true)) return;
    devices.set(id, presented(device, isConnected, clock.now()));
    keeper.changed([id]);
  }

  /** Brings the devices to what the hub wants, part by part as each is stored; others have their turn in between. */
  apply(): void {
    this.#isAsked = true;
    if (this.#isApplying) return;
    this.#isApplying = true;
    void this.#applyAll()
      .catch((error: unknown) => {
        this.#options.log.error({ err: toEdgeError(error) }, 'what the hub wants of the devices was not applied');
      })
      .finally(() => {
        this.#isApplying = false;
        if (this.#isAsked && !this.#isStopped) this.apply();
      });
  }

  /** Nothing is applied from now on. */
  stop(): void {
    this.#isStopped = true;
  }

  async #applyAll(): Promise<void> {
    this.#isAsked = false;
    const wanted = readWanted(this.#options.desired, this.#options.log);
    for (const part of wanted ? partsOf(this.#node, wanted) : []) {
      if (this.#isStopped) return;
      await this.#applyPart(part(this.#node, this.#moment()));
    }
    await this.#tellAgain();
  }

  async #applyPart(handled: Handled): Promise<void> {
    const changed = differing(this.#node.devices, handled.node.devices);
    this.#replace(changed, handled.node.devices);
    const job = { ...after(handled), devices: changed, changed };
    if (changed.length > 0 || job.out.length > 0) await this.#options.keeper.submitLasting(job);
    else await new Promise((resolve) => setImmediate(resolve));
  }

  #replace(ids: readonly string[], next: TwinNode['devices']): void {
    const { devices, clock } = this.#options;
    for (const id of ids) {
      const device = next.get(id);
      const isMissed = device && this.#present.has(id) && device.isPresent !== true;
      if (device) devices.set(id, isMissed ? presented(device, true, clock.now()) : device);
      else devices.delete(id);
    }
  }

  /** The agent may have ended after it stored an expected value and before the device heard of it. */
  async #tellAgain(): Promise<void> {
    const { devices, keeper } = this.#options;
    const before = this.#untold;
    this.#untold = [];
    for (const some of chunks(before)) {
      const same = some.filter((device) => devices.get(device.id) === device);
      const out = outgoing(same.flatMap((device) => deltaOf(device, this.#moment())));
      if (out.length > 0) await keeper.submitLasting({ devices: [], changed: [], changes: [], out });
    }
  }

  #moment(): Moment {
    return { now: this.#options.clock.now(), newId: this.#options.newId };
  }
}

function after({ changes, out }: { readonly changes: readonly TwinChange[]; readonly out: readonly Out[] }): {
  readonly changes: readonly TwinChange[];
  readonly out: readonly Outgoing[];
} {
  return { changes, out: outgoing(out) };
}

/** What clients are told. What is for the cloud goes there as reported state and as events. */
function outgoing(out: readonly Out[]): Outgoing[] {
  return out.flatMap(({ to, topic, payload }) => (to === 'mqtt' ? [{ topic, payload: JSON.stringify(payload) }] : []));
}

function busy(): EdgeError {
  return new EdgeError('overloaded', 'The disk does not keep up with the twins; send it again.');
}
