import { Injectable } from '@nestjs/common';
import { type DesiredDevice, type DesiredDevices, nodeKey, type NodeRef } from '@selvage/protocol';
import { namesByProject } from '../certificates/certificates.module.js';
import type { Contributor } from '../desired/index.js';
import { desiredClient } from './clients.rules.js';
import { Clients } from './clients.service.js';
import { Credentials, NO_CREDENTIALS } from './credentials.service.js';
import { Devices } from './devices.service.js';
import { desiredDevice } from './merged.rules.js';

/** What a node without devices and clients gets: one object for all, which is encoded once. */
const NOTHING: DesiredDevices = { devices: [], clients: [] };

/** Section `devices`: which devices and apps the broker of a node admits, and what they are and may do. */
@Injectable()
export class DevicesDesired implements Contributor {
  readonly section = 'devices';

  constructor(
    private readonly devices: Devices,
    private readonly clients: Clients,
    private readonly credentials: Credentials,
  ) {}

  async compile(nodes: readonly NodeRef[]): Promise<ReadonlyMap<string, DesiredDevices>> {
    const compiled = new Map(nodes.map((ref) => [nodeKey(ref), NOTHING]));
    const at = (key: string): DesiredDevices => {
      const there = compiled.get(key) ?? NOTHING;
      if (there !== NOTHING) return there;
      const fresh = { devices: [], clients: [] };
      compiled.set(key, fresh);
      return fresh;
    };
    for (const [project, names] of namesByProject(nodes)) {
      for (const [node, device] of await this.devicesOf(project, names))
        at(nodeKey({ project, node })).devices.push(device);
      for (const [node, client] of await this.clientsOf(project, names))
        at(nodeKey({ project, node })).clients.push(client);
    }
    return compiled;
  }

  private async devicesOf(project: string, nodes: readonly string[]): Promise<[node: string, DesiredDevice][]> {
    const rows = await this.devices.onNodes(project, nodes);
    const models = await this.devices.modelsOf(project, rows);
    const ids = rows.map(({ deviceId }) => deviceId);
    const credentials = await this.credentials.of({ kind: 'device', project }, ids);
    return rows.flatMap(({ name, deviceId: id, node, model, spec }) => {
      if (node === null) return [];
      const own = credentials.get(id) ?? NO_CREDENTIALS;
      return [[node, desiredDevice({ name, id, spec }, model === null ? undefined : models.get(model), own)]];
    });
  }

  private async clientsOf(
    project: string,
    nodes: readonly string[],
  ): Promise<[node: string, DesiredDevices['clients'][number]][]> {
    const rows = await this.clients.onNodes(project, nodes);
    const names = rows.map(({ name }) => name);
    const credentials = await this.credentials.of({ kind: 'app', project }, names);
    return rows.flatMap((row) =>
      row.node === null ? [] : [[row.node, desiredClient(row, credentials.get(row.name) ?? NO_CREDENTIALS)]],
    );
  }
}
