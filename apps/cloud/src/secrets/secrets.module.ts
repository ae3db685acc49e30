import { Module, type OnModuleInit } from '@nestjs/common';
import { Projects, ProjectsModule } from '../projects/projects.module.js';
import { SecretsController } from './secrets.controller.js';
import { SecretRow } from './secrets.entity.js';
import { Secrets1700000006000 } from './secrets.migration.js';
import { Secrets } from './secrets.service.js';

export const secretsSchema = { entities: [SecretRow], migrations: [Secrets1700000006000] };
export { Secrets };

@Module({ imports: [ProjectsModule], controllers: [SecretsController], providers: [Secrets], exports: [Secrets] })
export class SecretsModule implements OnModuleInit {
  constructor(
    private readonly projects: Projects,
    private readonly secrets: Secrets,
  ) {}

  onModuleInit(): void {
    this.projects.addTenant({ noun: 'secrets', any: (project) => this.secrets.any(project) });
  }
}
