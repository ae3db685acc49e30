import { Injectable } from '@nestjs/common';
import { type DesiredEncrypted, nodeKey, type NodeRef } from '@selvage/protocol';
import type { Contributor } from '../desired/index.js';
import { Secrets } from './secrets.service.js';

/** Section `encrypted`: values that clients with a certificate may ask the node's broker for. */
@Injectable()
export class EncryptedDesired implements Contributor {
  readonly section = 'encrypted';

  constructor(private readonly secrets: Secrets) {}

  async compile(nodes: readonly NodeRef[]): Promise<ReadonlyMap<string, DesiredEncrypted>> {
    const compiled = new Map<string, DesiredEncrypted>();
    for (const project of new Set(nodes.map((ref) => ref.project))) {
      const secrets = await this.secrets.data(project);
      if (secrets.length === 0) continue;
      for (const ref of nodes.filter((one) => one.project === project)) {
        const own = secrets.filter(({ spec }) => spec.nodes.includes(ref.node));
        const datas = own.map(({ name, spec: { properties } }) => ({ name, properties }));
        if (datas.length > 0) compiled.set(nodeKey(ref), { datas });
      }
    }
    return compiled;
  }
}
