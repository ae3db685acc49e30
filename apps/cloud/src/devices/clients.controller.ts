import { Controller } from '@nestjs/common';
import { type Answer, endpoints, type ParsedInput } from '@selvage/protocol';
import { Expose, IfMatch, Input } from '../http/index.js';
import { Clients } from './clients.service.js';
import { Holders } from './holders.service.js';

const { clients } = endpoints;

@Controller()
export class ClientsController {
  constructor(
    private readonly service: Clients,
    private readonly holders: Holders,
  ) {}

  @Expose(clients.list)
  list(@Input() { params, query }: ParsedInput<typeof clients.list>): Promise<Answer<typeof clients.list>> {
    return this.service.list(params.project, query);
  }

  @Expose(clients.get)
  get(@Input() { params }: ParsedInput<typeof clients.get>): Promise<Answer<typeof clients.get>> {
    return this.service.get(params.project, params.name);
  }

  @Expose(clients.put)
  put(
    @Input() { params, body }: ParsedInput<typeof clients.put>,
    @IfMatch() ifMatch: number | undefined,
  ): Promise<Answer<typeof clients.put>> {
    return this.service.put({ ...params, ifMatch }, body);
  }

  @Expose(clients.patch)
  patch(
    @Input() { params, body }: ParsedInput<typeof clients.patch>,
    @IfMatch() ifMatch: number | undefined,
  ): Promise<Answer<typeof clients.patch>> {
    return this.service.patch({ ...params, ifMatch }, body);
  }

  @Expose(clients.remove)
  remove(
    @Input() { params }: ParsedInput<typeof clients.remove>,
    @IfMatch() ifMatch: number | undefined,
  ): Promise<void> {
    return this.service.remove({ ...params, ifMatch });
  }

  @Expose(clients.certificates)
  certificates(
    @Input() { params, query }: ParsedInput<typeof clients.certificates>,
  ): Promise<Answer<typeof clients.certificates>> {
    return this.holders.list('app', params, query);
  }

  @Expose(clients.certificate)
  certificate(
    @Input() { params, body }: ParsedInput<typeof clients.certificate>,
  ): Promise<Answer<typeof clients.certificate>> {
    return this.holders.issue('app', params, body.csr);
  }

  @Expose(clients.login)
  login(@Input() { params, body }: ParsedInput<typeof clients.login>): Promise<void> {
    return this.holders.setLogin('app', params, body);
  }

  @Expose(clients.logout)
  logout(@Input() { params }: ParsedInput<typeof clients.logout>): Promise<void> {
    return this.holders.removeLogin('app', params);
  }
}
