import { Controller } from '@nestjs/common';
import { type Answer, endpoints, type ParsedInput } from '@selvage/protocol';
import { Expose, IfMatch, Input } from '../http/index.js';
import { Models } from './models.service.js';

const { deviceModels } = endpoints;

@Controller()
export class ModelsController {
  constructor(private readonly service: Models) {}

  @Expose(deviceModels.list)
  list(@Input() { params, query }: ParsedInput<typeof deviceModels.list>): Promise<Answer<typeof deviceModels.list>> {
    return this.service.list(params.project, query);
  }

  @Expose(deviceModels.get)
  get(@Input() { params }: ParsedInput<typeof deviceModels.get>): Promise<Answer<typeof deviceModels.get>> {
    return this.service.get(params.project, params.name);
  }

  @Expose(deviceModels.put)
  put(
    @Input() { params, body }: ParsedInput<typeof deviceModels.put>,
    @IfMatch() ifMatch: number | undefined,
  ): Promise<Answer<typeof deviceModels.put>> {
    return this.service.put({ ...params, ifMatch }, body);
  }

  @Expose(deviceModels.patch)
  patch(
    @Input() { params, body }: ParsedInput<typeof deviceModels.patch>,
    @IfMatch() ifMatch: number | undefined,
  ): Promise<Answer<typeof deviceModels.patch>> {
    return this.service.patch({ ...params, ifMatch }, body);
  }

  @Expose(deviceModels.remove)
  remove(
    @Input() { params }: ParsedInput<typeof deviceModels.remove>,
    @IfMatch() ifMatch: number | undefined,
  ): Promise<void> {
    return this.service.remove({ ...params, ifMatch });
  }
}
