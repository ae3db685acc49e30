import { Controller } from '@nestjs/common';
import { type Answer, endpoints, type ParsedInput } from '@selvage/protocol';
import { Expose, IfMatch, Input } from '../http/index.js';
import { DeviceWrites } from './device-writes.service.js';
import { Devices } from './devices.service.js';
import { Holders } from './holders.service.js';

const { devices } = endpoints;

@Controller()
export class DevicesController {
  constructor(
    private readonly service: Devices,
    private readonly writes: DeviceWrites,
    private readonly holders: Holders,
  ) {}

  @Expose(devices.list)
  list(@Input() { params, query }: ParsedInput<typeof devices.list>): Promise<Answer<typeof devices.list>> {
    return this.service.list(params.project, query);
  }

  @Expose(devices.get)
  get(@Input() { params }: ParsedInput<typeof devices.get>): Promise<Answer<typeof devices.get>> {
    return this.service.get(params.project, params.name);
  }

  @Expose(devices.put)
  put(
    @Input() { params, body }: ParsedInput<typeof devices.put>,
    @IfMatch() ifMatch: number | undefined,
  ): Promise<Answer<typeof devices.put>> {
    return this.writes.put({ ...params, ifMatch }, body);
  }

  @Expose(devices.patch)
  patch(
    @Input() { params, body }: ParsedInput<typeof devices.patch>,
    @IfMatch() ifMatch: number | undefined,
  ): Promise<Answer<typeof devices.patch>> {
    return this.writes.patch({ ...params, ifMatch }, body);
  }

  @Expose(devices.remove)
  remove(
    @Input() { params }: ParsedInput<typeof devices.remove>,
    @IfMatch() ifMatch: number | undefined,
  ): Promise<void> {
    return this.writes.remove({ ...params, ifMatch });
  }

  @Expose(devices.certificates)
  certificates(
    @Input() { params, query }: ParsedInput<typeof devices.certificates>,
  ): Promise<Answer<typeof devices.certificates>> {
    return this.holders.list('device', params, query);
  }

  @Expose(devices.certificate)
  certificate(
    @Input() { params, body }: ParsedInput<typeof devices.certificate>,
  ): Promise<Answer<typeof devices.certificate>> {
    return this.holders.issue('device', params, body.csr);
  }

  @Expose(devices.login)
  login(@Input() { params, body }: ParsedInput<typeof devices.login>): Promise<void> {
    return this.holders.setLogin('device', params, body);
  }

  @Expose(devices.logout)
  logout(@Input() { params }: ParsedInput<typeof devices.logout>): Promise<void> {
    return this.holders.removeLogin('device', params);
  }
}
