import {
  type DesiredDevices,
  type DeviceSpec,
  deviceSpec,
  type DeviceModelSpec,
  deviceModelSpec,
  nodeKey,
  type NodeRef,
} from '@selvage/protocol';
import { type TempDir, tempDir } from '@selvage/testkit';
import { CertificatesStage } from '../certificates/test-stage.js';
import { ClientCertificates } from '../certificates/certificates.module.js';
import type { Schema } from '../db/index.js';
import { Clients } from './clients.service.js';
import { Credentials } from './credentials.service.js';
import { DeviceChecks } from './device-checks.service.js';
import { DeviceHooks } from './device-hooks.js';
import { DeviceNotes } from './device-notes.service.js';
import { DeviceSignals } from './device-signals.service.js';
import { DeviceWrites } from './device-writes.service.js';
import { DevicesDesired } from './devices.desired.js';
import { devicesSchema } from './devices.module.js';
import { Devices } from './devices.service.js';
import { Holders } from './holders.service.js';
import { Models } from './models.service.js';
import { Room } from './room.service.js';

/** The slice on a real database, with its neighbours faked and what it tells them written down. */
export class DevicesStage {
  /** Nodes that exist. */
  readonly nodes = new Set(['edge-1', 'edge-2']);
  readonly poked: string[] = [];
  readonly changed: string[] = [];
  readonly hooks = new DeviceHooks();
  readonly devices: Devices;
  readonly writes: DeviceWrites;
  readonly models: Models;
  readonly clients: Clients;
  readonly holders: Holders;
  readonly notes: DeviceNotes;
  readonly signals: DeviceSignals;
  readonly section: DevicesDesired;

  private constructor(
    private readonly folder: TempDir,
    readonly base: CertificatesStage,
  ) {
    const { db, feed, config, authority, log, certificates } = base;
    const poke = (refs: Iterable<NodeRef>): void => void this.poked.push(...[...refs].map(nodeKey));
    const desired = { poke };
    const exist = (_project: string, names: readonly string[]): Promise<Set<string>> =>
      Promise.resolve(new Set(names.filter((name) => this.nodes.has(name))));
    const nodes = { exist };
    feed.subscribe(({ noun, name }) => this.changed.push(`${noun} ${name}`));
    const issued = new ClientCertificates(db, config, authority, feed, log);
    const credentials = new Credentials(db, issued);
    const room = new Room();
    this.signals = new DeviceSignals(desired, feed);
    this.notes = new DeviceNotes(db, room);
    this.devices = new Devices(db, base.sessions, this.hooks);
    const checks = new DeviceChecks(nodes, this.devices, room);
    this.writes = new DeviceWrites(db, checks, this.devices, this.hooks, credentials, this.signals);
    this.models = new Models(db, this.hooks, room, desired, feed);
    this.clients = new Clients(db, nodes, credentials, room, desired, feed);
    this.holders = new Holders(this.devices, this.signals, this.clients, credentials, certificates, issued);
    this.section = new DevicesDesired(this.devices, this.clients, credentials);
    certificates.onRevoked((holder) => void this.holders.revoked(holder));
  }

  /** `url`: of a PostgreSQL database, none for SQLite. */
  static async open(url: string | undefined, more: Schema = { entities: [], migrations: [] }): Promise<DevicesStage> {
    const folder = tempDir();
    const schema = {
      entities: [...devicesSchema.entities, ...more.entities],
      migrations: [...devicesSchema.migrations, ...more.migrations],
    };
    return new DevicesStage(folder, await CertificatesStage.open(folder.path, url, schema));
  }

  /** Forgets what was told so far. */
  quiet(): void {
    this.poked.length = 0;
    this.changed.length = 0;
  }

  async close(): Promise<void> {
    await this.base.close();
    this.folder.remove();
  }

  /** What a node is to be sent. */
  async sent(node: string): Promise<DesiredDevices> {
    const found = (await this.section.compile([{ project: 'default', node }])).get(`default/${node}`);
    if (found === undefined) throw new Error(`nothing for ${node}`);
    return found;
  }
}

export function at(name: string, ifMatch?: number): { project: string; name: string; ifMatch?: number } {
  return { project: 'default', name, ...(ifMatch !== undefined && { ifMatch }) };
}

/** What a `PUT` of a device carries. */
export function device(
  spec: object = {},
  labels: Record<string, string> = {},
): { labels: Record<string, string>; spec: DeviceSpec } {
  return { labels, spec: deviceSpec.parse(spec) };
}

/** What a `PUT` of a model carries. */
export function model(spec: object): { labels: Record<string, string>; spec: DeviceModelSpec } {
  return { labels: {}, spec: deviceModelSpec.parse(spec) };
}
