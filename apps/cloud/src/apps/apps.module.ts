import { Module, type OnModuleInit } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { DesiredRegistry } from '../desired/index.js';
import { InboundRegistry } from '../link/index.js';
import { Nodes, NodesModule } from '../nodes/nodes.module.js';
import { Projects, ProjectsModule } from '../projects/projects.module.js';
import { Secrets, SecretsModule } from '../secrets/secrets.module.js';
import { AppsController } from './apps.controller.js';
import { AppsDesired, NodeApps, SecretsDesired } from './apps.desired.js';
import { AppRow, InstanceRow, PurgeRow } from './apps.entity.js';
import { AppsLink } from './apps.link.js';
import { Apps1700000007000 } from './apps.migration.js';
import { Apps } from './apps.service.js';
import { AppWrites } from './app-writes.service.js';
import { AppChecks } from './checks.service.js';
import { AppLogs } from './logs.service.js';
import { NodeLabels } from './node-labels.service.js';
import { PlacedApps } from './placed-apps.service.js';
import { isPlaced, whereOf } from './placement.rules.js';
import { Purges } from './purges.service.js';
import { AppSignals } from './signals.service.js';
import { AppViews } from './views.service.js';

export const appsSchema = { entities: [AppRow, InstanceRow, PurgeRow], migrations: [Apps1700000007000] };
export { Apps, isPlaced, NodeLabels, whereOf };

const providers = [
  AppChecks,
  AppLogs,
  AppSignals,
  AppViews,
  AppWrites,
  Apps,
  AppsDesired,
  AppsLink,
  NodeApps,
  NodeLabels,
  PlacedApps,
  Purges,
  SecretsDesired,
];

@Module({
  imports: [ProjectsModule, NodesModule, SecretsModule],
  controllers: [AppsController],
  providers,
  exports: [Apps, NodeLabels],
})
export class AppsModule implements OnModuleInit {
  constructor(
    private readonly parts: ModuleRef,
    private readonly projects: Projects,
    private readonly nodes: Nodes,
    private readonly secrets: Secrets,
    private readonly apps: Apps,
    private readonly link: AppsLink,
  ) {}

  onModuleInit(): void {
    const { apps, link } = this;
    this.projects.addTenant({ noun: 'apps', any: (project, tx) => apps.any(project, tx) });
    this.secrets.usedBy((project, names, from) => apps.usersOf(project, names, from));
    this.secrets.onChanged((project, name) => apps.secretChanged(project, name));
    const labels = this.parts.get(NodeLabels);
    this.nodes.onRelabelled(({ project }) => {
      labels.forget(project);
    });
    this.nodes.onRemoved((tx, ref) => link.forget(tx, ref));
    this.parts.get(InboundRegistry, { strict: false }).add(link);
    const desired = this.parts.get(DesiredRegistry, { strict: false });
    desired.add(this.parts.get(AppsDesired));
    desired.add(this.parts.get(SecretsDesired));
  }
}
