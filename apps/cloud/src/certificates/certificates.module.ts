import { Module, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Database, Retention } from '../db/index.js';
import { Metrics } from '../http/index.js';
import { TlsPort } from '../link/index.js';
import { CertificatesController } from './certificates.controller.js';
import { CertificateRow, JoinTokenRow } from './certificates.entity.js';
import { Certificates1700000004000 } from './certificates.migration.js';
import { type CertificateHolder, Certificates, type JoinedNode, type JoinHook } from './certificates.service.js';
import { ClientCertificates } from './client-certificates.service.js';
import { Enrolment } from './enrolment.js';
import { oldCertificates, oldJoinTokens } from './forgetting.service.js';
import { HubAuthority } from './hub-authority.js';
import { held } from './issued.service.js';
import { Joins } from './joins.service.js';
import { namesByProject, pieces } from './refs.rules.js';
import { Renewals } from './renewals.service.js';

export const certificatesSchema = { entities: [CertificateRow, JoinTokenRow], migrations: [Certificates1700000004000] };
export {
  Certificates,
  ClientCertificates,
  held,
  HubAuthority,
  type CertificateHolder,
  type JoinedNode,
  type JoinHook,
  namesByProject,
  pieces,
};

@Module({
  controllers: [CertificatesController],
  providers: [Certificates, ClientCertificates, Enrolment, HubAuthority, Joins, Renewals],
  exports: [Certificates, ClientCertificates, HubAuthority],
})
export class CertificatesModule implements OnModuleInit, OnApplicationShutdown {
  constructor(
    private readonly db: Database,
    private readonly retention: Retention,
    private readonly authority: HubAuthority,
    private readonly enrolment: Enrolment,
    private readonly port: TlsPort,
    private readonly metrics: Metrics,
  ) {}

  async onModuleInit(): Promise<void> {
    await this.authority.start();
    this.retention.add(oldCertificates(this.db));
    this.retention.add(oldJoinTokens(this.db));
    this.enrolment.start(this.port, this.metrics);
  }

  onApplicationShutdown(): void {
    this.authority.stop();
  }
}
