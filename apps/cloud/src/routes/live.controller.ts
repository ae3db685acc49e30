import { Controller, Res } from '@nestjs/common';
import { endpoints, type ParsedInput } from '@selvage/protocol';
import type { FastifyReply } from 'fastify';
import { Expose, Input } from '../http/index.js';
import { LiveReaders } from './live-readers.service.js';

const { live } = endpoints.routes;

/** What routes to `live` carry, as it comes. */
@Controller()
export class RouteLiveController {
  constructor(private readonly readers: LiveReaders) {}

  @Expose(live)
  live(@Input() { params }: ParsedInput<typeof live>, @Res() reply: FastifyReply): void {
    this.readers.open(params, reply);
  }
}
