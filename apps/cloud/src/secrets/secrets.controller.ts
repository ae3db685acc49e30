import { Controller } from '@nestjs/common';
import { type Answer, endpoints, type ParsedInput } from '@selvage/protocol';
import { Expose, IfMatch, Input } from '../http/index.js';
import { Secrets } from './secrets.service.js';

const { secrets } = endpoints;

@Controller()
export class SecretsController {
  constructor(private readonly service: Secrets) {}

  @Expose(secrets.list)
  list(@Input() { params, query }: ParsedInput<typeof secrets.list>): Promise<Answer<typeof secrets.list>> {
    return this.service.list(params.project, query);
  }

  @Expose(secrets.get)
  get(@Input() { params }: ParsedInput<typeof secrets.get>): Promise<Answer<typeof secrets.get>> {
    return this.service.get(params.project, params.name);
  }

  @Expose(secrets.put)
  put(
    @Input() { params, body }: ParsedInput<typeof secrets.put>,
    @IfMatch() ifMatch: number | undefined,
  ): Promise<Answer<typeof secrets.put>> {
    return this.service.put({ ...params, ifMatch }, body);
  }

  @Expose(secrets.patch)
  patch(
    @Input() { params, body }: ParsedInput<typeof secrets.patch>,
    @IfMatch() ifMatch: number | undefined,
  ): Promise<Answer<typeof secrets.patch>> {
    return this.service.patch({ ...params, ifMatch }, body);
  }

  @Expose(secrets.remove)
  remove(
    @Input() { params }: ParsedInput<typeof secrets.remove>,
    @IfMatch() ifMatch: number | undefined,
  ): Promise<void> {
    return this.service.remove({ ...params, ifMatch });
  }
}
