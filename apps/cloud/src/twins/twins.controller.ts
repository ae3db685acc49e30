import { Controller } from '@nestjs/common';
import { type Answer, endpoints, type ParsedInput } from '@selvage/protocol';
import { type Caller, Expose, IfMatch, Input, Who } from '../http/index.js';
import { Expected } from './expected.service.js';
import { History } from './history.service.js';

const { devices } = endpoints;

@Controller()
export class TwinsController {
  constructor(
    private readonly wanted: Expected,
    private readonly past: History,
  ) {}

  @Expose(devices.expected)
  expected(
    @Input() { params, body }: ParsedInput<typeof devices.expected>,
    @IfMatch() ifMatch: number | undefined,
    @Who() who: Caller,
  ): Promise<Answer<typeof devices.expected>> {
    return this.wanted.set({ ...params, ifMatch }, who.username, body);
  }

  @Expose(devices.twin)
  twin(@Input() { params, query }: ParsedInput<typeof devices.twin>): Promise<Answer<typeof devices.twin>> {
    return this.past.twin(params.project, params.name, query.at);
  }

  @Expose(devices.history)
  history(@Input() { params, query }: ParsedInput<typeof devices.history>): Promise<Answer<typeof devices.history>> {
    return this.past.list(params.project, params.name, query);
  }
}
