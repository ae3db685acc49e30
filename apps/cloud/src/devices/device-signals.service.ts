import { Inject, Injectable } from '@nestjs/common';
import { Desired } from '../desired/index.js';
import { type Happening, LiveFeed } from '../http/index.js';

/** A device as it is or was: who it is and where it belongs. */
export interface DevicePlace {
  readonly project: string;
  readonly name: string;
  readonly node: string | null;
}

/** Tells everybody concerned that a device changed. */
@Injectable()
export class DeviceSignals {
  constructor(
    @Inject(Desired) private readonly desired: Pick<Desired, 'poke'>,
    private readonly feed: LiveFeed,
  ) {}

  /** Call it after the commit. */
  happened(type: Happening['type'], { project, name, node }: DevicePlace, data: Happening['data'] = {}): void {
    this.feed.happenings.tell({ type, project, name, node: node ?? undefined, data });
  }

  /** Call it after the commit. `versions`: one device as it is and as it was; the nodes of both are told. */
  changed(versions: readonly DevicePlace[]): void {
    const nodes = new Set(versions.flatMap(({ node }) => node ?? []));
    for (const { project, name } of versions.slice(0, 1)) {
      this.desired.poke([...nodes].map((node) => ({ project, node })));
      this.feed.changed('device', project, name);
    }
  }
}
