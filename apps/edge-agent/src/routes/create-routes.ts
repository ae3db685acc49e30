import { Counts } from './counts.js';
import type { RoutesOptions } from './options.js';
import { Reporter } from './reporter.js';
import { Table } from './table.js';
import { readWanted } from './wanted.js';

/** Carries messages of this node's broker to where routes lead. */
export interface Routes {
  /** Takes messages from then on; the hub need not be there. Call it before the broker lets clients in. */
  start(): Promise<void>;
  /** Takes no more. */
  stop(): Promise<void>;
}

export function createRoutes(options: RoutesOptions): Routes {
  const counts = new Counts(options.clock);
  const table = new Table({ ...options, counts });
  const reporter = new Reporter({ ...options, counts, routes: () => table.routes });
  return new RoutesSlice({ ...options, table, reporter });
}

interface Parts extends RoutesOptions {
  readonly table: Table;
  readonly reporter: Reporter;
}

class RoutesSlice implements Routes {
  readonly #parts: Parts;
  #isRunning = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async start(): Promise<void> {
    const { desired, reporter } = this.#parts;
    await reporter.load();
    this.#isRunning = true;
    desired.onChange('routes', () => {
      this.#apply();
    });
    this.#apply();
    reporter.start();
  }

  async stop(): Promise<void> {
    const { table, reporter } = this.#parts;
    this.#isRunning = false;
    table.close();
    await reporter.stop();
  }

  #apply(): void {
    if (!this.#isRunning) return;
    const { desired, log, table, reporter } = this.#parts;
    const wanted = readWanted(desired, log);
    if (wanted === undefined) return;
    const steps = table.apply(wanted.routes);
    if (steps.length > 0) log.info({ routes: wanted.routes.length, changes: steps.length }, 'routes changed');
    reporter.forget(new Set(wanted.routes.map(({ uid }) => uid)));
    reporter.tell();
  }
}
