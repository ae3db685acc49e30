import { Injectable } from '@nestjs/common';
import { type EntityManager, In } from 'typeorm';
import { pieces } from '../certificates/certificates.module.js';
import { ClientRow, DeviceRow } from './devices.entity.js';
import { refuseFull } from './devices.rules.js';

const NODES = 500;

interface Sum {
  readonly node: string;
  readonly bytes: string | number;
  readonly count: string | number;
}

/** Whether what nodes are sent about devices still fits. */
@Injectable()
export class Room {
  /** Looks after the change, in its transaction. @throws EdgeError `bad_request`. */
  async check(tx: EntityManager, project: string, nodes: readonly string[]): Promise<void> {
    for (const some of pieces([...new Set(nodes)], NODES)) {
      const clients = new Map((await this.clients(tx, project, some)).map(({ node, bytes }) => [node, Number(bytes)]));
      const devices = new Map((await this.devices(tx, project, some)).map((sum) => [sum.node, sum]));
      for (const node of some) {
        const { bytes = 0, count = 0 } = devices.get(node) ?? {};
        refuseFull(node, { bytes: Number(bytes) + (clients.get(node) ?? 0), devices: Number(count) });
      }
    }
  }

  private devices(tx: EntityManager, project: string, nodes: readonly string[]): Promise<Sum[]> {
    return tx
      .createQueryBuilder(DeviceRow, 'device')
      .select('device.node', 'node')
      .addSelect('SUM(device.size + device.twinSize)', 'bytes')
      .addSelect('COUNT(*)', 'count')
      .where({ project, node: In([...nodes]) })
      .groupBy('device.node')
      .getRawMany<Sum>();
  }

  private clients(tx: EntityManager, project: string, nodes: readonly string[]): Promise<Sum[]> {
    return tx
      .createQueryBuilder(ClientRow, 'client')
      .select('client.node', 'node')
      .addSelect('SUM(client.size)', 'bytes')
      .addSelect('COUNT(*)', 'count')
      .where({ project, node: In([...nodes]) })
      .groupBy('client.node')
      .getRawMany<Sum>();
  }
}
