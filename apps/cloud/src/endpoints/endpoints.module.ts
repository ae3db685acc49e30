import { Module, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Projects, ProjectsModule } from '../projects/projects.module.js';
import { Secrets, SecretsModule } from '../secrets/secrets.module.js';
import { Connections } from './connections.service.js';
import { EndpointsController } from './endpoints.controller.js';
import { EndpointRow } from './endpoints.entity.js';
import { Endpoints1700000013000 } from './endpoints.migration.js';
import { Endpoints } from './endpoints.service.js';

export const endpointsSchema = { entities: [EndpointRow], migrations: [Endpoints1700000013000] };
export { Connections, EndpointRow, Endpoints };
export { aboutOf, type Outgoing, type Target } from './kinds/index.js';

@Module({
  imports: [ProjectsModule, SecretsModule],
  controllers: [EndpointsController],
  providers: [Connections, Endpoints],
  exports: [Connections, Endpoints],
})
export class EndpointsModule implements OnModuleInit, OnApplicationShutdown {
  constructor(
    private readonly projects: Projects,
    private readonly secrets: Secrets,
    private readonly endpoints: Endpoints,
    private readonly connections: Connections,
  ) {}

  onModuleInit(): void {
    const { endpoints } = this;
    this.projects.addTenant({ noun: 'endpoints', any: (project, tx) => endpoints.any(project, tx) });
    this.secrets.usedBy((project, names, from) => endpoints.usersOf(project, names, from));
    this.secrets.onChanged((project, name) => endpoints.secretChanged(project, name));
  }

  onApplicationShutdown(): Promise<void> {
    return this.connections.stop();
  }
}
