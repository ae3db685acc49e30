import { Module, type OnApplicationBootstrap, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { AppsModule } from '../apps/apps.module.js';
import { Retention } from '../db/index.js';
import { DesiredRegistry } from '../desired/index.js';
import { Endpoints, EndpointsModule } from '../endpoints/endpoints.module.js';
import { InboundRegistry, MessageRegistry } from '../link/index.js';
import { Nodes, NodesModule } from '../nodes/nodes.module.js';
import { Projects, ProjectsModule } from '../projects/projects.module.js';
import { SecretsModule } from '../secrets/secrets.module.js';
import { RouteCounts } from './counts.service.js';
import { DeadLetters } from './dead-letters.service.js';
import { Deliveries } from './deliveries.service.js';
import { RouteEvents } from './events.service.js';
import { Gateway } from './gateway.service.js';
import { GatewayAccess } from './gateway-access.service.js';
import { GatewayCalls } from './gateway-calls.service.js';
import { GatewayIntake } from './gateway-intake.service.js';
import { GatewayRequests } from './gateway-requests.service.js';
import { HubLetters } from './hub-letters.service.js';
import { HubOutbox } from './hub-outbox.service.js';
import { RouteIntake } from './intake.service.js';
import { KnownRoutes } from './known-routes.service.js';
import { LastLeg } from './last-leg.service.js';
import { RouteRemains } from './remains.service.js';
import { RouteLiveController } from './live.controller.js';
import { LiveReaders } from './live-readers.service.js';
import { LiveRoutes } from './live-routes.service.js';
import { NodeCalls } from './node-calls.service.js';
import { PlacedNodes } from './placed-nodes.service.js';
import { RouteMetrics } from './route-metrics.service.js';
import { RoutesController } from './routes.controller.js';
import { RoutesDesired } from './routes.desired.js';
import { RouteCountRow, RouteReportRow, RouteRequestRow, RouteRow } from './routes.entity.js';
import { RoutesLink } from './routes.link.js';
import { RouteMessagesHeld1700000016000, RouteRequests1700000015000, Routes1700000014000 } from './routes.migration.js';
import { Routes } from './routes.service.js';
import { RouteSignals } from './signals.service.js';
import { Services } from './services.service.js';
import { RouteViews } from './views.service.js';

export const routesSchema = {
  entities: [RouteRow, RouteReportRow, RouteCountRow, RouteRequestRow],
  migrations: [Routes1700000014000, RouteRequests1700000015000, RouteMessagesHeld1700000016000],
};
export { Gateway };

const providers = [
  DeadLetters,
  Deliveries,
  Gateway,
  GatewayAccess,
  GatewayCalls,
  GatewayIntake,
  GatewayRequests,
  HubLetters,
  HubOutbox,
  KnownRoutes,
  LastLeg,
  LiveReaders,
  LiveRoutes,
  NodeCalls,
  PlacedNodes,
  RouteCounts,
  RouteEvents,
  RouteIntake,
  RouteMetrics,
  RouteRemains,
  Routes,
  RoutesDesired,
  RouteSignals,
  RoutesLink,
  RouteViews,
  Services,
];

@Module({
  imports: [AppsModule, EndpointsModule, NodesModule, ProjectsModule, SecretsModule],
  controllers: [RouteLiveController, RoutesController],
  providers,
})
export class RoutesModule implements OnModuleInit, OnApplicationBootstrap, OnApplicationShutdown {
  constructor(
    private readonly parts: ModuleRef,
    private readonly known: KnownRoutes,
    private readonly hub: HubOutbox,
    private readonly counts: RouteCounts,
    private readonly deliveries: Deliveries,
  ) {}

  async onModuleInit(): Promise<void> {
    const { parts } = this;
    const [routes, link] = [parts.get(Routes), parts.get(RoutesLink)];
    const outside = { strict: false };
    parts.get(Projects, outside).addTenant({ noun: 'routes', any: (project, tx) => routes.any(project, tx) });
    parts.get(Endpoints, outside).use({
      routesTo: (project, names, from) => routes.routesTo(project, names, from),
      check: (tx, row, spec) => routes.checkEndpoint(tx, row, spec),
      changed: (project, name) => {
        routes.endpointChanged(project, name);
        return Promise.resolve();
      },
    });
    parts.get(Nodes, outside).onRemoved((tx, ref) => link.forget(tx, ref));
    parts.get(InboundRegistry, outside).add(link);
    parts.get(MessageRegistry, outside).add(parts.get(RouteIntake));
    parts.get(DesiredRegistry, outside).add(parts.get(RoutesDesired));
    const [retention, remains] = [parts.get(Retention, outside), parts.get(RouteRemains)];
    for (const old of [parts.get(GatewayRequests).old(), remains.counted(), remains.dropped()]) retention.add(old);
    await this.known.start();
    await this.hub.start();
    await this.counts.start();
    parts.get(RouteEvents).start();
    parts.get(RouteMetrics).start();
  }

  onApplicationBootstrap(): void {
    this.deliveries.start();
  }

  async onApplicationShutdown(): Promise<void> {
    this.deliveries.stop();
    await this.counts.stop();
    await this.hub.stop();
  }
}
