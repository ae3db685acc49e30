import { Injectable } from '@nestjs/common';
import type { ClientIdentity } from '@selvage/pki';
import type { Answer, endpoints, ListQuery } from '@selvage/protocol';
import type { EntityManager } from 'typeorm';
import { type CertificateHolder, Certificates, ClientCertificates } from '../certificates/certificates.module.js';
import { Clients } from './clients.service.js';
import { Credentials, type Kind } from './credentials.service.js';
import { DeviceSignals } from './device-signals.service.js';
import { Devices } from './devices.service.js';

/** Whose credentials are meant, by name in the API. */
export interface HolderAt {
  readonly project: string;
  readonly name: string;
}
interface Found {
  readonly holder: ClientIdentity;
  readonly node: string | null;
}

/** Gives credentials to devices and clients, and takes them away; the nodes that they belong to hear of it. */
@Injectable()
export class Holders {
  constructor(
    private readonly devices: Devices,
    private readonly signals: DeviceSignals,
    private readonly clients: Clients,
    private readonly credentials: Credentials,
    private readonly certificates: Certificates,
    private readonly clientCertificates: ClientCertificates,
  ) {}

  /** @throws EdgeError `not_found`, `csr_refused`, `in_use`. */
  async issue(
    kind: Kind,
    at: HolderAt,
    csr: string | undefined,
  ): Promise<Answer<typeof endpoints.devices.certificate>> {
    const { holder } = await this.find(kind, at);
    const issued = await this.clientCertificates.issue(holder, csr, (tx) => this.still(kind, at, tx));
    await this.changed(kind, at);
    return issued;
  }

  /** @throws EdgeError `not_found`. */
  async list(kind: Kind, at: HolderAt, query: ListQuery): Promise<Answer<typeof endpoints.devices.certificates>> {
    return this.certificates.listOf((await this.find(kind, at)).holder, query);
  }

  /** @throws EdgeError `not_found`, `already_exists`. */
  async setLogin(kind: Kind, at: HolderAt, login: { username: string; password: string }): Promise<void> {
    const { holder } = await this.find(kind, at);
    await this.credentials.setLogin(holder, login, (tx) => this.still(kind, at, tx));
    await this.changed(kind, at);
  }

  /** @throws EdgeError `not_found`. */
  async removeLogin(kind: Kind, at: HolderAt): Promise<void> {
    await this.credentials.removeLogin((await this.find(kind, at)).holder);
    await this.changed(kind, at);
  }

  /** An operator revoked a certificate: the broker that knows it is told. */
  async revoked({ kind, project, name }: CertificateHolder): Promise<void> {
    if (kind === 'device') {
      const [device] = await this.devices.byId(project, [name]);
      if (device) this.signals.changed([device]);
    } else if (kind === 'app') {
      const client = await this.clients.find(project, name);
      if (client) this.clients.changed([client]);
    }
  }

  private async find(kind: Kind, { project, name }: HolderAt, from?: EntityManager): Promise<Found> {
    if (kind === 'app') {
      const { node } = await this.clients.row(project, name, from);
      return { holder: { kind, project, name }, node };
    }
    const { deviceId, node } = await this.devices.known(project, name, from);
    return { holder: { kind, project, name: deviceId }, node };
  }

  private async still(kind: Kind, at: HolderAt, tx: EntityManager): Promise<void> {
    await this.find(kind, at, tx);
  }

  private async changed(kind: Kind, at: HolderAt): Promise<void> {
    const { node } = await this.find(kind, at);
    if (kind === 'app') this.clients.changed([{ ...at, node }]);
    else this.signals.changed([{ ...at, node }]);
  }
}
