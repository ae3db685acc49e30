import { Injectable } from '@nestjs/common';
import { type DesiredTwins, nodeKey, type NodeRef } from '@selvage/protocol';
import { namesByProject } from '../certificates/certificates.module.js';
import type { Contributor } from '../desired/index.js';
import { Devices } from '../devices/devices.module.js';
import { TwinStore } from './twin-store.service.js';
import { desiredValues } from './twins.rules.js';

/** What a node gets whose devices have no expected values: one object for all, which is encoded once. */
const NOTHING: DesiredTwins = { devices: [] };

/** Section `twins`: what is expected of the devices of a node. */
@Injectable()
export class TwinsDesired implements Contributor {
  readonly section = 'twins';

  constructor(
    private readonly devices: Devices,
    private readonly store: TwinStore,
  ) {}

  async compile(nodes: readonly NodeRef[]): Promise<ReadonlyMap<string, DesiredTwins>> {
    const compiled = new Map(nodes.map((ref) => [nodeKey(ref), NOTHING]));
    for (const [project, names] of namesByProject(nodes)) {
      const rows = await this.devices.onNodes(project, names);
      const twins = await this.store.load(rows.map(({ id }) => id));
      for (const { id, deviceId, node } of rows) {
        const expected = desiredValues(twins.get(id) ?? new Map());
        if (node === null || Object.keys(expected).length === 0) continue;
        const key = nodeKey({ project, node });
        const there = compiled.get(key) ?? NOTHING;
        const mine = there === NOTHING ? { devices: [] } : there;
        mine.devices.push({ id: deviceId, expected });
        compiled.set(key, mine);
      }
    }
    return compiled;
  }
}
