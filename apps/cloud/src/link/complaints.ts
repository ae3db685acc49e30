/** One line about a node in so long. */
const EVERY_MS = 60_000;
const MAX_NODES = 10_000;

interface Complaint {
  readonly at: number;
  unsaid: number;
}

/** Keeps short what the log says of nodes that are wrong all the time. */
export class Complaints {
  private readonly nodes = new Map<string, Complaint>();

  /** How many lines about this node were left out since the last one; undefined when this one is to be left out too. */
  about(node: string, now: number): number | undefined {
    const last = this.nodes.get(node);
    if (last !== undefined && now - last.at < EVERY_MS) {
      last.unsaid += 1;
      return undefined;
    }
    this.nodes.delete(node);
    const [oldest] = this.nodes.keys();
    if (this.nodes.size >= MAX_NODES && oldest !== undefined) this.nodes.delete(oldest);
    this.nodes.set(node, { at: now, unsaid: 0 });
    return last?.unsaid ?? 0;
  }
}
