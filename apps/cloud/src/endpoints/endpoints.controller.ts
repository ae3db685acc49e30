import { Controller } from '@nestjs/common';
import { type Answer, endpoints as all, type EndpointTest, type ParsedInput } from '@selvage/protocol';
import { Expose, IfMatch, Input } from '../http/index.js';
import { Connections } from './connections.service.js';
import { Endpoints } from './endpoints.service.js';

const { endpoints } = all;

@Controller()
export class EndpointsController {
  constructor(
    private readonly service: Endpoints,
    private readonly connections: Connections,
  ) {}

  @Expose(endpoints.list)
  list(@Input() { params, query }: ParsedInput<typeof endpoints.list>): Promise<Answer<typeof endpoints.list>> {
    return this.service.list(params.project, query);
  }

  @Expose(endpoints.get)
  get(@Input() { params }: ParsedInput<typeof endpoints.get>): Promise<Answer<typeof endpoints.get>> {
    return this.service.get(params.project, params.name);
  }

  @Expose(endpoints.put)
  put(
    @Input() { params, body }: ParsedInput<typeof endpoints.put>,
    @IfMatch() ifMatch: number | undefined,
  ): Promise<Answer<typeof endpoints.put>> {
    return this.service.put({ ...params, ifMatch }, body);
  }

  @Expose(endpoints.patch)
  patch(
    @Input() { params, body }: ParsedInput<typeof endpoints.patch>,
    @IfMatch() ifMatch: number | undefined,
  ): Promise<Answer<typeof endpoints.patch>> {
    return this.service.patch({ ...params, ifMatch }, body);
  }

  @Expose(endpoints.remove)
  remove(
    @Input() { params }: ParsedInput<typeof endpoints.remove>,
    @IfMatch() ifMatch: number | undefined,
  ): Promise<void> {
    return this.service.remove({ ...params, ifMatch });
  }

  @Expose(endpoints.test)
  test(@Input() { params }: ParsedInput<typeof endpoints.test>): Promise<EndpointTest> {
    return this.connections.test(params.project, params.name);
  }
}
