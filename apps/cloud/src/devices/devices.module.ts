import { Inject, Module, type OnModuleInit } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { nodeKey } from '@selvage/protocol';
import { Gauge } from 'prom-client';
import { Certificates, CertificatesModule } from '../certificates/certificates.module.js';
import { DesiredRegistry } from '../desired/index.js';
import { Metrics } from '../http/index.js';
import { LOG, type Logger } from '../log/index.js';
import { Nodes, NodesModule } from '../nodes/nodes.module.js';
import { Projects, ProjectsModule } from '../projects/projects.module.js';
import { ClientsController } from './clients.controller.js';
import { Clients } from './clients.service.js';
import { Credentials } from './credentials.service.js';
import { DeviceChecks } from './device-checks.service.js';
import { type DeviceFollower, DeviceHooks, type TwinOf, type Withdrawn } from './device-hooks.js';
import { DeviceNotes } from './device-notes.service.js';
import { type DevicePlace, DeviceSignals } from './device-signals.service.js';
import { type At, DeviceWrites } from './device-writes.service.js';
import { DevicesController } from './devices.controller.js';
import { DevicesDesired } from './devices.desired.js';
import { ClientRow, DeviceRow, LoginRow, ModelRow } from './devices.entity.js';
import { Devices1700000008000 } from './devices.migration.js';
import { Devices, type KnownDevice } from './devices.service.js';
import { Holders } from './holders.service.js';
import type { Properties } from './merged.rules.js';
import { ModelsController } from './models.controller.js';
import { Models } from './models.service.js';
import { Room } from './room.service.js';

export const devicesSchema = {
  entities: [ModelRow, DeviceRow, ClientRow, LoginRow],
  migrations: [Devices1700000008000],
};
export {
  type At,
  type DeviceFollower,
  DeviceHooks,
  DeviceNotes,
  type DevicePlace,
  Devices,
  DeviceSignals,
  type KnownDevice,
  type Properties,
  type TwinOf,
  type Withdrawn,
};

@Module({
  imports: [ProjectsModule, CertificatesModule, NodesModule],
  controllers: [DevicesController, ModelsController, ClientsController],
  providers: [
    Clients,
    Credentials,
    DeviceChecks,
    DeviceHooks,
    DeviceNotes,
    DeviceSignals,
    DeviceWrites,
    Devices,
    DevicesDesired,
    Holders,
    Models,
    Room,
  ],
  exports: [DeviceHooks, DeviceNotes, DeviceSignals, Devices],
})
export class DevicesModule implements OnModuleInit {
  constructor(
    private readonly parts: ModuleRef,
    private readonly projects: Projects,
    private readonly nodes: Nodes,
    private readonly certificates: Certificates,
    @Inject(LOG) private readonly log: Logger,
  ) {}

  onModuleInit(): void {
    const devices = this.parts.get(Devices);
    const models = this.parts.get(Models);
    const clients = this.parts.get(Clients);
    const writes = this.parts.get(DeviceWrites);
    this.projects.addTenant({ noun: 'devices', any: (project, tx) => devices.any(project, tx) });
    this.projects.addTenant({ noun: 'device models', any: (project, tx) => models.any(project, tx) });
    this.projects.addTenant({ noun: 'clients', any: (project, tx) => clients.any(project, tx) });
    this.nodes.onRemoved(async (tx, ref) => {
      await writes.unbind(tx, ref);
      await clients.unbind(tx, ref);
    });
    this.watchRevocations(this.parts.get(Holders));
    this.parts.get(DesiredRegistry, { strict: false }).add(this.parts.get(DevicesDesired));
    this.measure(devices, this.parts.get(Metrics, { strict: false }));
  }

  private watchRevocations(holders: Holders): void {
    this.certificates.onRevoked((holder) => {
      holders.revoked(holder).catch((error: unknown) => {
        const holderKey = nodeKey({ project: holder.project, node: holder.name });
        this.log.error({ err: error, [holder.kind]: holderKey }, 'the node was not told of a revoked certificate yet');
      });
    });
  }

  /** The other figures are to be had while the database is away. */
  private measure(devices: Devices, { registry }: Metrics): void {
    const { log } = this;
    new Gauge({
      name: 'selvage_devices',
      help: 'Devices by state',
      labelNames: ['state'],
      registers: [registry],
      async collect() {
        try {
          for (const [state, count] of await devices.counts()) this.set({ state }, count);
        } catch (error) {
          log.warn({ err: error }, 'devices were not counted');
        }
      },
    });
  }
}
