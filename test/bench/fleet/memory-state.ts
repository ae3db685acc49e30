import type { NodeFacts, Position, Section, SectionHashes } from '@selvage/protocol';
import { toSection } from '@selvage/wire';
import type { DesiredSink, ReportedSource } from '../../../apps/edge-agent/src/link/index.js';
import { moment } from './machine.js';

/** When a node had a desired state, and of which revision. */
export interface StoredAt {
  readonly revision: number;
  readonly at: number;
}

/** Desired state of a simulated node: the hashes only, and no disk. */
export class MemoryDesired implements DesiredSink {
  position: Position | null = null;
  /** Everything that came since the watch began; undefined while nobody watches. */
  watched: StoredAt[] | undefined;
  private held: SectionHashes = {};

  hashes(): SectionHashes {
    return this.held;
  }

  apply(position: Position, sections: readonly Section[], gone: readonly string[]): Promise<void> {
    const { position: before } = this;
    if (before?.epoch === position.epoch && position.revision < before.revision) return Promise.resolve();
    const kept = Object.entries(this.held).filter(([name]) => !gone.includes(name));
    this.held = { ...Object.fromEntries(kept), ...Object.fromEntries(sections.map(({ name, hash }) => [name, hash])) };
    this.position = position;
    this.watched?.push({ revision: position.revision, at: moment() });
    return Promise.resolve();
  }
}

/** What a simulated node reports: facts of a small machine and no apps. It never changes. */
export class MemoryReported implements ReportedSource {
  private readonly sections: ReadonlyMap<string, Section>;
  private readonly held: SectionHashes;

  constructor(hostname: string) {
    const sections = [toSection('facts', facts(hostname)), toSection('apps', { instances: [], purged: [] })];
    this.sections = new Map(sections.map((section) => [section.name, section]));
    this.held = Object.fromEntries(sections.map(({ name, hash }) => [name, hash]));
  }

  hashes(): SectionHashes {
    return this.held;
  }

  get(name: string): Section | undefined {
    return this.sections.get(name);
  }

  onChange(): void {
    // Nothing ever changes here.
  }
}

function facts(hostname: string): NodeFacts {
  return {
    hostname,
    arch: 'arm64',
    os: 'Debian GNU/Linux 12 (bookworm)',
    kernel: '6.1.0-28-arm64',
    cpus: 4,
    cpuModel: 'Cortex-A72',
    memoryBytes: 4_000_000_000,
    diskBytes: 32_000_000_000,
    diskFreeBytes: 20_000_000_000,
    addresses: ['192.168.1.20'],
    gpus: [],
    docker: { state: 'ready', version: '20.10.24', apiVersion: '1.41', storageDriver: 'overlay2' },
    mountAllowList: [],
    agentVersion: '0.1.0',
    bootedAt: '2026-01-01T00:00:00.000Z',
  };
}
