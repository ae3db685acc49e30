import { type DynamicModule, Module } from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { AppsModule, appsSchema } from './apps/apps.module.js';
import { AuditModule, auditSchema } from './audit/audit.module.js';
import { CertificatesModule, certificatesSchema } from './certificates/certificates.module.js';
import { HubConfig } from './config.js';
import { type Database, DbModule, type MasterKey, type Schema, Settings, Settings1700000000000 } from './db/index.js';
import { DesiredModule } from './desired/index.js';
import { DevicesModule, devicesSchema } from './devices/devices.module.js';
import { EndpointsModule, endpointsSchema } from './endpoints/endpoints.module.js';
import { AccessGuard, AuditInterceptor, HttpModule } from './http/index.js';
import { LinkModule, linkSchema } from './link/index.js';
import { LOG, type Logger } from './log/index.js';
import { NodesModule, nodesSchema } from './nodes/nodes.module.js';
import { ProjectsModule, projectsSchema } from './projects/projects.module.js';
import { RoutesModule, routesSchema } from './routes/routes.module.js';
import { SecretsModule, secretsSchema } from './secrets/secrets.module.js';
import { TwinsModule, twinsSchema } from './twins/twins.module.js';
import { UsersModule, usersSchema } from './users/users.module.js';

const FLOORS = [HttpModule, DesiredModule, LinkModule];

/** The nouns of the hub, each to the right of those that it uses. */
const SLICES = [
  UsersModule,
  AuditModule,
  ProjectsModule,
  CertificatesModule,
  NodesModule,
  DevicesModule,
  TwinsModule,
  SecretsModule,
  AppsModule,
  EndpointsModule,
  RoutesModule,
] as const;

const SCHEMAS: readonly Schema[] = [
  { entities: [Settings], migrations: [Settings1700000000000] },
  linkSchema,
  usersSchema,
  auditSchema,
  projectsSchema,
  certificatesSchema,
  nodesSchema,
  devicesSchema,
  twinsSchema,
  secretsSchema,
  appsSchema,
  endpointsSchema,
  routesSchema,
];

/** Every table of the hub. */
export const hubSchema: Schema = {
  entities: SCHEMAS.flatMap(({ entities }) => entities),
  migrations: SCHEMAS.flatMap(({ migrations }) => migrations),
};

/** What is there before Nest starts. */
export interface Ground {
  readonly config: HubConfig;
  readonly log: Logger;
  readonly database: Database;
  readonly masterKey: MasterKey;
}

@Module({})
class GroundModule {}

/** The hub: what it stands on, its floors and its slices. */
@Module({})
export class CloudModule {
  static on({ config, log, database, masterKey }: Ground): DynamicModule {
    const providers = [
      { provide: HubConfig, useValue: config },
      { provide: LOG, useValue: log },
    ];
    const ground = { module: GroundModule, global: true, providers, exports: [HubConfig, LOG] };
    return {
      module: CloudModule,
      imports: [ground, DbModule.with(database, masterKey), ...FLOORS, ...SLICES],
      providers: [
        { provide: APP_GUARD, useClass: AccessGuard },
        { provide: APP_INTERCEPTOR, useClass: AuditInterceptor },
      ],
    };
  }
}
