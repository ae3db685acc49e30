import { BenchHub } from './bench-hub.js';
import { Fleet } from './fleet.js';
import { LOAD_CORE, openFiles, pin } from './machine.js';

/** Files that a hub has open beside its links. */
const OTHER_FILES = 300;

/** One hub with one fleet, which all figures of a run share; made when the first of them asks. */
export class FleetSite {
  /** Nodes of most figures, and as many as figure 17 wants. */
  readonly nodes = Math.min(Number(process.env.SELVAGE_BENCH_NODES ?? 10_000), openFiles - OTHER_FILES);
  readonly most = Math.max(
    this.nodes,
    Math.min(Number(process.env.SELVAGE_BENCH_NODES_MAX ?? 20_000), openFiles - OTHER_FILES),
  );
  private readonly cores: string;
  private hub: BenchHub | undefined;
  private fleet: Fleet | undefined;

  constructor(private readonly log: (line: string) => void) {
    this.cores = '0-1023';
  }

  /** The hub, running, and a fleet of at least so many nodes that have joined; the caller connects those that it wants. */
  async with(nodes: number): Promise<{ hub: BenchHub; fleet: Fleet }> {
    if (this.hub === undefined || this.fleet === undefined) {
      // Whoever measures stands with the load.
      pin(process.pid, LOAD_CORE);
      this.hub = await BenchHub.create();
      await this.hub.start();
      this.fleet = new Fleet(this.hub, this.log);
      this.fleet.start();
    }
    const { hub, fleet } = this;
    await fleet.enrol(nodes);
    return { hub, fleet };
  }

  /** Ends all of it. */
  async close(): Promise<void> {
    if (this.hub !== undefined) pin(process.pid, this.cores);
    await this.fleet?.stop();
    await this.hub?.close();
  }
}
