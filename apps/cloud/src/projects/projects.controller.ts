import { Controller } from '@nestjs/common';
import { type Answer, endpoints, type ParsedInput } from '@selvage/protocol';
import { type Caller, Expose, Input, Who } from '../http/index.js';
import { Projects } from './projects.service.js';

const { projects } = endpoints;

@Controller()
export class ProjectsController {
  constructor(private readonly service: Projects) {}

  @Expose(projects.list)
  list(
    @Input() { query }: ParsedInput<typeof projects.list>,
    @Who() who: Caller,
  ): Promise<Answer<typeof projects.list>> {
    return this.service.list(who, query);
  }

  @Expose(projects.put)
  put(@Input() { params, body }: ParsedInput<typeof projects.put>): Promise<Answer<typeof projects.put>> {
    return this.service.put(params.project, body);
  }

  @Expose(projects.remove)
  remove(@Input() { params }: ParsedInput<typeof projects.remove>): Promise<void> {
    return this.service.remove(params.project);
  }
}
