import { desiredEncrypted, deviceTopic, nodeTopic } from '@selvage/protocol';
import { DECRYPT, plaintext } from './encrypted.js';
import { Keeper } from './keeper.js';
import { loadDevices } from './load.js';
import type { Taker, Twins, TwinsOptions } from './options.js';
import { Publisher } from './publisher.js';
import { reportedDevice } from './report.js';
import { Reporter } from './reporter.js';
import { Table } from './table.js';
import type { BoundDevice } from './twin-node.js';
import { readSection } from './wanted.js';

export function createTwins(options: TwinsOptions): Twins {
  const { journal, events, desired, clock, log, newId, node } = options;
  const devices = new Map<string, BoundDevice>();
  const publisher = new Publisher(options);
  const reporter = new Reporter(options);
  const keeper = new Keeper({
    ...{ journal, events, publisher, clock, log },
    current: (id) => devices.get(id),
    stored: (id, device) => {
      reporter.keep(id, device);
    },
    rested: () => {
      reporter.flush();
    },
  });
  const table = new Table({ devices, keeper, desired, clock, newId, log, node: node.node });
  return new TwinsSlice({ ...options, publisher, reporter, keeper, table });
}

interface Parts extends TwinsOptions {
  readonly publisher: Publisher;
  readonly reporter: Reporter;
  readonly keeper: Keeper;
  readonly table: Table;
}

class TwinsSlice implements Twins {
  readonly #parts: Parts;
  #leave: (() => void)[] = [];
  #isRunning = false;
  #isPoked = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async start(): Promise<void> {
    const { journal, reporter, table, node, log } = this.#parts;
    const { found, damaged } = await loadDevices(journal, { owner: `${node.hub}/${node.project}/${node.node}`, log });
    for (const device of found) reporter.keep(device.id, device);
    reporter.start();
    this.#isRunning = true;
    this.#listen();
    table.start(found, damaged);
  }

  async stop(): Promise<void> {
    const { table, keeper, publisher, reporter } = this.#parts;
    this.#isRunning = false;
    table.stop();
    for (const leave of this.#leave) leave();
    this.#leave = [];
    await keeper.stop();
    await publisher.stop();
    reporter.stop();
  }

  /** Once for however many sections change in one turn. */
  poke(): void {
    if (this.#isPoked || !this.#isRunning) return;
    this.#isPoked = true;
    queueMicrotask(() => {
      this.#isPoked = false;
      if (this.#isRunning) this.#parts.table.apply();
    });
  }

  statusOf(id: string): ReturnType<Twins['statusOf']> {
    const device = this.#parts.reporter.stored(id);
    return device && reportedDevice(device);
  }

  #listen(): void {
    const { bus, desired, presence, table, node } = this.#parts;
    const takers: [filter: string, taker: Taker][] = [
      [deviceTopic('+', 'twin/get'), (message) => table.device(message)],
      [deviceTopic('+', 'twin/update'), (message) => table.device(message)],
      [deviceTopic('+', 'state/update'), (message) => table.device(message)],
      [nodeTopic(node.node, 'membership/get'), (message) => table.members(message)],
      [DECRYPT, this.#decrypt],
    ];
    for (const [filter, taker] of takers) this.#leave.push(bus.take(filter, taker));
    for (const section of ['devices', 'twins'])
      desired.onChange(section, () => {
        this.poke();
      });
    const left = presence?.onChange((id, isConnected) => {
      table.presence(id, isConnected);
    });
    if (left) this.#leave.push(left);
  }

  /** Whoever showed no certificate gets no answer. There is nothing to store. */
  readonly #decrypt: Taker = async ({ topic, from }) => {
    const { desired, publisher, node, log } = this.#parts;
    if (from.kind === 'local') return;
    const section = readSection(() => desired.read('encrypted', desiredEncrypted), log);
    const answer = plaintext(node.project, topic, section);
    await publisher.room();
    if (answer) publisher.publish([answer]);
  };
}
