import { Controller, Res } from '@nestjs/common';
import { type Answer, endpoints, type ParsedInput } from '@selvage/protocol';
import type { FastifyReply } from 'fastify';
import { Expose, IfMatch, Input } from '../http/index.js';
import { AppWrites } from './app-writes.service.js';
import { AppLogs } from './logs.service.js';
import { Apps } from './apps.service.js';

const { apps } = endpoints;

@Controller()
export class AppsController {
  constructor(
    private readonly service: Apps,
    private readonly writes: AppWrites,
    private readonly appLogs: AppLogs,
  ) {}

  @Expose(apps.list)
  list(@Input() { params, query }: ParsedInput<typeof apps.list>): Promise<Answer<typeof apps.list>> {
    return this.service.list(params.project, query);
  }

  @Expose(apps.get)
  get(@Input() { params }: ParsedInput<typeof apps.get>): Promise<Answer<typeof apps.get>> {
    return this.service.get(params.project, params.name);
  }

  @Expose(apps.put)
  put(
    @Input() { params, body }: ParsedInput<typeof apps.put>,
    @IfMatch() ifMatch: number | undefined,
  ): Promise<Answer<typeof apps.put>> {
    return this.writes.put({ ...params, ifMatch }, body);
  }

  @Expose(apps.check)
  check(@Input() { params, body }: ParsedInput<typeof apps.check>): Promise<Answer<typeof apps.check>> {
    return this.writes.check(params, body);
  }

  @Expose(apps.patch)
  patch(
    @Input() { params, body }: ParsedInput<typeof apps.patch>,
    @IfMatch() ifMatch: number | undefined,
  ): Promise<Answer<typeof apps.patch>> {
    return this.writes.patch({ ...params, ifMatch }, body);
  }

  @Expose(apps.remove)
  remove(
    @Input() { params, query }: ParsedInput<typeof apps.remove>,
    @IfMatch() ifMatch: number | undefined,
  ): Promise<void> {
    return this.writes.remove({ ...params, ifMatch }, query.volumes);
  }

  @Expose(apps.logs)
  logs(@Input() { params, query }: ParsedInput<typeof apps.logs>, @Res() reply: FastifyReply): Promise<void> {
    return this.appLogs.stream(params, query, reply);
  }
}
