import { Controller } from '@nestjs/common';
import { type Answer, endpoints, type ParsedInput } from '@selvage/protocol';
import { Expose, IfMatch, Input } from '../http/index.js';
import { DeadLetters } from './dead-letters.service.js';
import { Routes } from './routes.service.js';

const { routes } = endpoints;

@Controller()
export class RoutesController {
  constructor(
    private readonly service: Routes,
    private readonly letters: DeadLetters,
  ) {}

  @Expose(routes.list)
  list(@Input() { params, query }: ParsedInput<typeof routes.list>): Promise<Answer<typeof routes.list>> {
    return this.service.list(params.project, query);
  }

  @Expose(routes.get)
  get(@Input() { params }: ParsedInput<typeof routes.get>): Promise<Answer<typeof routes.get>> {
    return this.service.get(params.project, params.name);
  }

  @Expose(routes.put)
  put(
    @Input() { params, body }: ParsedInput<typeof routes.put>,
    @IfMatch() ifMatch: number | undefined,
  ): Promise<Answer<typeof routes.put>> {
    return this.service.put({ ...params, ifMatch }, body);
  }

  @Expose(routes.patch)
  patch(
    @Input() { params, body }: ParsedInput<typeof routes.patch>,
    @IfMatch() ifMatch: number | undefined,
  ): Promise<Answer<typeof routes.patch>> {
    return this.service.patch({ ...params, ifMatch }, body);
  }

  @Expose(routes.remove)
  remove(
    @Input() { params }: ParsedInput<typeof routes.remove>,
    @IfMatch() ifMatch: number | undefined,
  ): Promise<void> {
    return this.service.remove({ ...params, ifMatch });
  }

  @Expose(routes.dead)
  dead(@Input() { params, query }: ParsedInput<typeof routes.dead>): Promise<Answer<typeof routes.dead>> {
    return this.letters.list(params, query);
  }

  @Expose(routes.replay)
  async replay(@Input() { params, body }: ParsedInput<typeof routes.replay>): Promise<Answer<typeof routes.replay>> {
    return { count: await this.letters.replay(params, body.ids) };
  }

  @Expose(routes.discard)
  async discard(@Input() { params, body }: ParsedInput<typeof routes.discard>): Promise<Answer<typeof routes.discard>> {
    return { count: await this.letters.discard(params, body.ids) };
  }
}
