import { Controller } from '@nestjs/common';
import { type Answer, endpoints, type ParsedInput } from '@selvage/protocol';
import { Expose, Input } from '../http/index.js';
import { Certificates } from './certificates.service.js';

const { certificates } = endpoints;

@Controller()
export class CertificatesController {
  constructor(private readonly service: Certificates) {}

  @Expose(certificates.list)
  list(@Input() { params, query }: ParsedInput<typeof certificates.list>): Promise<Answer<typeof certificates.list>> {
    return this.service.list({ project: params.project, node: params.name }, query);
  }

  @Expose(certificates.revoke)
  revoke(
    @Input() { params, body }: ParsedInput<typeof certificates.revoke>,
  ): Promise<Answer<typeof certificates.revoke>> {
    return this.service.revoke(params, body.reason);
  }
}
