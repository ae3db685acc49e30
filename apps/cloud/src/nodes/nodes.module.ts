import { Module, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Certificates, CertificatesModule } from '../certificates/certificates.module.js';
import { DesiredRegistry } from '../desired/index.js';
import { Projects, ProjectsModule } from '../projects/projects.module.js';
import { NodeBrokers } from './node-brokers.service.js';
import { NodeChanges, type RelabelListener, type RemovalHook } from './node-changes.service.js';
import { NodeGate } from './node-gate.js';
import { NodeWrites } from './node-writes.service.js';
import { NodesController } from './nodes.controller.js';
import { brokerContributor, nodeContributor } from './nodes.desired.js';
import { NodeRow } from './nodes.entity.js';
import { NodeLinks } from './nodes.link.js';
import { NodeBrokers1700000010000, Nodes1700000005000 } from './nodes.migration.js';
import { Nodes } from './nodes.service.js';
import { checked, mergePatch, patched } from './patch.rules.js';
import { Presence } from './presence.service.js';
import { setReported } from './reported.service.js';

export const nodesSchema = { entities: [NodeRow], migrations: [Nodes1700000005000, NodeBrokers1700000010000] };
export { checked, mergePatch, Nodes, patched, type RelabelListener, type RemovalHook };

@Module({
  imports: [CertificatesModule, ProjectsModule],
  controllers: [NodesController],
  providers: [NodeBrokers, NodeChanges, NodeGate, NodeLinks, NodeWrites, Nodes, Presence],
  exports: [Nodes],
})
export class NodesModule implements OnModuleInit, OnApplicationShutdown {
  constructor(
    private readonly links: NodeLinks,
    private readonly nodes: Nodes,
    private readonly projects: Projects,
    private readonly certificates: Certificates,
    private readonly desired: DesiredRegistry,
    private readonly presence: Presence,
  ) {}

  onModuleInit(): void {
    this.links.start();
    this.presence.start();
    this.desired.add(nodeContributor(this.nodes));
    this.desired.add(brokerContributor(this.nodes));
    this.projects.addTenant({ noun: 'nodes', any: (project, tx) => this.nodes.any(project, tx) });
    this.certificates.onJoined((tx, joins) =>
      setReported(
        tx,
        'joined_at',
        joins.map(({ ref, at }) => ({ ref, text: at })),
      ),
    );
  }

  onApplicationShutdown(): Promise<void> {
    return this.presence.stop();
  }
}
