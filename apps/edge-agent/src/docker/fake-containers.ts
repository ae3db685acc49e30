import type * as port from './docker.js';

/** A container of the engine in memory. */
export interface FakeContainer {
  readonly id: string;
  readonly name: string;
  readonly request: port.ContainerRequest;
  readonly createdAt: string;
  readonly log: { readonly at: string; readonly line: string }[];
  phase: port.ContainerPhase;
  startedAt?: string;
  finishedAt?: string;
  exitCode: number;
}

export function isUp(phase: port.ContainerPhase): boolean {
  return phase === 'running' || phase === 'paused' || phase === 'restarting';
}

export function boundPorts({ HostConfig }: port.ContainerRequest): port.PublishedPort[] {
  return Object.entries(HostConfig.PortBindings).flatMap(([key, places]) =>
    places.map(({ HostPort, HostIp }) => ({
      hostPort: Number(HostPort),
      protocol: key.split('/')[1] ?? 'tcp',
      hostIp: HostIp ?? '',
    })),
  );
}
