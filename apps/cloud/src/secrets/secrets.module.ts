import { Module, type OnModuleInit } from '@nestjs/common';
import { DesiredRegistry } from '../desired/index.js';
import { Projects, ProjectsModule } from '../projects/projects.module.js';
import { SecretsController } from './secrets.controller.js';
import { SecretRow } from './secrets.entity.js';
import { EncryptedDesired } from './secrets.desired.js';
import { SecretData1700000012000, Secrets1700000006000 } from './secrets.migration.js';
import { Secrets } from './secrets.service.js';

export const secretsSchema = { entities: [SecretRow], migrations: [Secrets1700000006000, SecretData1700000012000] };
export { Secrets };

@Module({
  imports: [ProjectsModule],
  controllers: [SecretsController],
  providers: [EncryptedDesired, Secrets],
  exports: [Secrets],
})
export class SecretsModule implements OnModuleInit {
  constructor(
    private readonly projects: Projects,
    private readonly secrets: Secrets,
    private readonly registry: DesiredRegistry,
    private readonly encrypted: EncryptedDesired,
  ) {}

  onModuleInit(): void {
    this.registry.add(this.encrypted);
    this.projects.addTenant({ noun: 'secrets', any: (project, tx) => this.secrets.any(project, tx) });
  }
}
