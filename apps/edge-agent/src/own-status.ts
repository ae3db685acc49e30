import { reportedApps, VERSION } from '@selvage/protocol';
import { sectionValue } from '@selvage/wire';
import type { Broker } from './broker/index.js';
import type { Certificates, NodeIdentity } from './certificates/index.js';
import type { EngineWatcher } from './docker/index.js';
import type { Link } from './link/index.js';
import type { AgentStatus } from './local-api/index.js';
import type { Routes } from './routes/index.js';
import type { DesiredStore, ReportedStore } from './state/index.js';

/** What the status is put together from. */
export interface StatusSources {
  readonly identity: Pick<NodeIdentity, 'project' | 'node' | 'hubUrl'>;
  readonly startedAt: string;
  readonly desired: Pick<DesiredStore, 'position'>;
  readonly reported: Pick<ReportedStore, 'get'>;
  readonly broker: Pick<Broker, 'status'>;
  readonly engine: Pick<EngineWatcher, 'engine'>;
  readonly link: Pick<Link, 'status'>;
  readonly certificates: Pick<Certificates, 'status'>;
  readonly routes: Pick<Routes, 'status'>;
}

/** How the agent is at this moment, as it tells whoever asks on its machine. */
export function ownStatus(sources: StatusSources): AgentStatus {
  const { project, node, hubUrl } = sources.identity;
  const { since, ...hub } = sources.link.status;
  const { notAfter, renewAt, ...certificate } = sources.certificates.status;
  const { clients, listeners, ...figures } = sources.broker.status();
  const stored = sources.desired.position;
  const apps = sources.reported.get('apps');
  return {
    agentVersion: VERSION,
    nodeVersion: process.version,
    startedAt: sources.startedAt,
    node: { project, node },
    hub: { url: hubUrl, since: iso(since), ...hub },
    engine: sources.engine.engine,
    certificate: { ...certificate, notAfter: iso(notAfter), renewAt: iso(renewAt) },
    ...(stored && { stored }),
    apps: apps === undefined ? [] : reportedApps.parse(sectionValue(apps.body)).instances,
    broker: { ...figures, listeners: [...listeners], clients: clients.length },
    routes: sources.routes.status(),
  };
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
