import { availableParallelism } from 'node:os';
import { LOAD_CORE, pinned } from '../fleet/machine.js';
import { type BrokerName, type BrokerNeeds, BrokerProcess } from './brokers.js';
import { Child } from './child.js';
import { Programs } from './programs.js';
import type { Order } from './words.js';

const isQuick = process.env.SELVAGE_BENCH_QUICK === '1';

/** How much is measured: `SELVAGE_BENCH_QUICK=1` tries everything out in seconds, and proves nothing. */
export const amount = {
  seconds: Number(process.env.SELVAGE_BENCH_SECONDS ?? (isQuick ? 1 : 8)),
  messages: Number(process.env.SELVAGE_BENCH_MESSAGES ?? (isQuick ? 200_000 : 10_000_000)),
  idle: { plain: isQuick ? 500 : 5_000, tls: isQuick ? 200 : 2_000 },
};

/** Gives the load an order, and what came of it. */
export type Ask = (order: Order) => Promise<unknown>;

/** What the figures of the broker share: programs that are bundled once. */
export class MqttBench {
  readonly programs = new Programs();

  /** A broker and a load for as long as `use` lasts. */
  async with<T>(
    name: BrokerName,
    needs: BrokerNeeds,
    use: (broker: BrokerProcess, ask: Ask) => Promise<T>,
  ): Promise<T> {
    const broker = await BrokerProcess.start(this.programs, name, needs);
    const load = new Child(pinned(loadCore(), [process.execPath, await this.programs.path('load')]), { talks: true });
    try {
      await load.ask();
      return await use(broker, async (order) => {
        const { result, error } = (await load.ask(order)) as { result?: unknown; error?: string };
        if (error !== undefined) throw new Error(`${name}: ${error}`);
        return result;
      });
    } finally {
      await load.kill();
      await broker.stop();
    }
  }
}

function loadCore(): string {
  return availableParallelism() > 1 ? LOAD_CORE : '0';
}
