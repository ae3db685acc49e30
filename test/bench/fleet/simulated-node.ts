import { randomUUID } from 'node:crypto';
import type { LinkOptions, LinkIdentity } from '../../../apps/edge-agent/src/link/index.js';
import { Link } from '../../../apps/edge-agent/src/link/index.js';
import { MemoryDesired, MemoryReported } from './memory-state.js';

/** What all nodes of a worker have together. */
export type Together = Pick<LinkOptions, 'calls' | 'clock' | 'log'>;

/** A node made of the agent's own link, its identity, and memory in the place of a disk and an engine. */
export class SimulatedNode {
  readonly desired = new MemoryDesired();
  private readonly reported: MemoryReported;
  private link: Link | undefined;

  constructor(
    readonly index: number,
    readonly identity: LinkIdentity,
  ) {
    this.reported = new MemoryReported(nameOf(index));
  }

  get connected(): boolean {
    return this.link?.status.state === 'connected';
  }

  get reason(): string | undefined {
    return this.link?.status.reason;
  }

  get started(): boolean {
    return this.link !== undefined;
  }

  start(hubUrl: string, together: Together): void {
    const { desired, reported } = this;
    const own = { hubUrl, identity: () => this.identity, agentVersion: '0.1.0', boot: randomUUID() };
    this.link = new Link({ ...own, ...together, desired, reported });
    this.link.start();
  }

  stop(): void {
    void this.link?.stop();
    this.link = undefined;
  }
}

/** Name of a node of the fleet. */
export function nameOf(index: number): string {
  return `n-${String(index).padStart(6, '0')}`;
}
