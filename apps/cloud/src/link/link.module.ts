import { Global, Module, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Calls } from './calls.js';
import { GateRegistry } from './gate.js';
import { Gateway } from './gateway.js';
import { InboundRegistry } from './inbound.js';
import { InboundWriter } from './inbound-writer.js';
import { Liveness } from './liveness.js';
import { MessageRegistry } from './messages.js';
import { MessagePosition } from './messages.entity.js';
import { Messages1700000001600, MessagesTouched1700000001700 } from './messages.migration.js';
import { MessagePositions } from './messages-positions.service.js';
import { MessageWriter } from './messages-writer.js';
import { Reception } from './reception.js';
import { ReportedHash } from './reported.entity.js';
import { ReportedHashes } from './reported-hashes.service.js';
import { Reported1700000001500 } from './reported.migration.js';
import { Sessions } from './sessions.js';
import { TlsPort } from './tls-port.js';

export const linkSchema = {
  entities: [ReportedHash, MessagePosition],
  migrations: [Reported1700000001500, Messages1700000001600, MessagesTouched1700000001700],
};

const offered = [
  Calls,
  GateRegistry,
  InboundRegistry,
  MessagePositions,
  MessageRegistry,
  ReportedHashes,
  Sessions,
  TlsPort,
];

/** The floor that nodes come in through. */
@Global()
@Module({ providers: [...offered, Gateway, InboundWriter, Liveness, MessageWriter, Reception], exports: offered })
export class LinkModule implements OnModuleInit, OnApplicationShutdown {
  constructor(
    private readonly liveness: Liveness,
    private readonly port: TlsPort,
    private readonly inbound: InboundWriter,
    private readonly messages: MessageWriter,
  ) {}

  onModuleInit(): void {
    this.liveness.start();
  }

  async onApplicationShutdown(): Promise<void> {
    this.liveness.stop();
    await this.port.stop();
    await this.inbound.stop();
    await this.messages.stop();
  }
}
