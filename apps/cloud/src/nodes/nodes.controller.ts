import { Controller } from '@nestjs/common';
import { type Answer, endpoints, type ParsedInput } from '@selvage/protocol';
import { Expose, IfMatch, Input } from '../http/index.js';
import { NodeWrites } from './node-writes.service.js';
import { NodeBrokers } from './node-brokers.service.js';
import { Nodes } from './nodes.service.js';

const { nodes } = endpoints;

@Controller()
export class NodesController {
  constructor(
    private readonly nodes: Nodes,
    private readonly writes: NodeWrites,
    private readonly brokers: NodeBrokers,
  ) {}

  @Expose(nodes.list)
  list(@Input() { params, query }: ParsedInput<typeof nodes.list>): Promise<Answer<typeof nodes.list>> {
    return this.nodes.list(params.project, query);
  }

  @Expose(nodes.get)
  get(@Input() { params }: ParsedInput<typeof nodes.get>): Promise<Answer<typeof nodes.get>> {
    return this.nodes.get(params.project, params.name);
  }

  @Expose(nodes.put)
  put(
    @Input() { params, body }: ParsedInput<typeof nodes.put>,
    @IfMatch() ifMatch: number | undefined,
  ): Promise<Answer<typeof nodes.put>> {
    return this.writes.put({ ...params, ifMatch }, body);
  }

  @Expose(nodes.patch)
  patch(
    @Input() { params, body }: ParsedInput<typeof nodes.patch>,
    @IfMatch() ifMatch: number | undefined,
  ): Promise<Answer<typeof nodes.patch>> {
    return this.writes.patch({ ...params, ifMatch }, body);
  }

  @Expose(nodes.remove)
  remove(@Input() { params }: ParsedInput<typeof nodes.remove>, @IfMatch() ifMatch: number | undefined): Promise<void> {
    return this.writes.remove({ ...params, ifMatch });
  }

  @Expose(nodes.broker)
  async broker(@Input() { params }: ParsedInput<typeof nodes.broker>): Promise<Answer<typeof nodes.broker>> {
    await this.nodes.get(params.project, params.name);
    return this.brokers.of({ project: params.project, node: params.name });
  }

  @Expose(nodes.join)
  join(@Input() { params, body }: ParsedInput<typeof nodes.join>): Promise<Answer<typeof nodes.join>> {
    return this.writes.join(params, body);
  }
}
