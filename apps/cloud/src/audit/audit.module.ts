import { Controller, Module, type OnModuleInit } from '@nestjs/common';
import { type Answer, endpoints, type ParsedInput } from '@selvage/protocol';
import { Database } from '../db/index.js';
import { type Caller, Expose, Input, RequestHooks, Who } from '../http/index.js';
import { AuditLine } from './audit.entity.js';
import { Audit1700000003000 } from './audit.migration.js';
import { Audit } from './audit.service.js';

export const auditSchema = { entities: [AuditLine], migrations: [Audit1700000003000] };
export { Audit };

@Controller()
export class AuditController {
  constructor(private readonly audit: Audit) {}

  @Expose(endpoints.audit.list)
  list(
    @Input() { query }: ParsedInput<typeof endpoints.audit.list>,
    @Who() who: Caller,
  ): Promise<Answer<typeof endpoints.audit.list>> {
    return this.audit.list(who, query);
  }
}

@Module({ controllers: [AuditController], providers: [Audit], exports: [Audit] })
export class AuditModule implements OnModuleInit {
  constructor(
    private readonly db: Database,
    private readonly hooks: RequestHooks,
    private readonly audit: Audit,
  ) {}

  onModuleInit(): void {
    this.db.accompany(() => this.audit.companionOf(this.hooks.notes.current));
    this.hooks.recordChanges((change) => this.audit.record(change));
  }
}
