import { Module, type OnModuleInit } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { Retention } from '../db/index.js';
import { DesiredRegistry } from '../desired/index.js';
import { DeviceHooks, DevicesModule } from '../devices/devices.module.js';
import { InboundRegistry, MessageRegistry } from '../link/index.js';
import { Expected } from './expected.service.js';
import { OldTwinEvents } from './forgetting.service.js';
import { History } from './history.service.js';
import { TwinStore } from './twin-store.service.js';
import { TwinsController } from './twins.controller.js';
import { TwinsDesired } from './twins.desired.js';
import { TwinEventRow, TwinGoneRow, TwinKeyRow } from './twins.entity.js';
import { twinHandlers, twinMessages } from './twins.link.js';
import { Twins1700000009000 } from './twins.migration.js';
import { type ChangesOf, type HeardOf, Twins } from './twins.service.js';

export const twinsSchema = {
  entities: [TwinKeyRow, TwinEventRow, TwinGoneRow],
  migrations: [Twins1700000009000],
};
export { type ChangesOf, type HeardOf, Twins };

@Module({
  imports: [DevicesModule],
  controllers: [TwinsController],
  providers: [Expected, History, OldTwinEvents, TwinStore, Twins, TwinsDesired],
  exports: [Twins],
})
export class TwinsModule implements OnModuleInit {
  constructor(
    private readonly parts: ModuleRef,
    private readonly hooks: DeviceHooks,
    private readonly inbound: InboundRegistry,
    private readonly messages: MessageRegistry,
    private readonly twins: Twins,
    private readonly retention: Retention,
  ) {}

  onModuleInit(): void {
    this.hooks.twinsBy((devices) => this.twins.shown(devices));
    this.hooks.follow(this.twins);
    for (const handler of twinHandlers(this.twins)) this.inbound.add(handler);
    this.messages.addJson(twinMessages(this.twins));
    this.parts.get(DesiredRegistry, { strict: false }).add(this.parts.get(TwinsDesired));
    this.parts.get(OldTwinEvents).addTo(this.retention);
  }
}
