import type { ContainerRequest, Labels } from './docker.js';

interface Bare {
  readonly image: string;
  readonly labels?: Labels;
  /** Published from port 80. */
  readonly hostPort?: number;
}

/** Asks for a container of an image and for nothing else. */
export function bareRequest({ image, labels = {}, hostPort }: Bare): ContainerRequest {
  const key = '80/tcp';
  return {
    ...{ Image: image, Labels: labels, Env: [], StopTimeout: 1 },
    ExposedPorts: hostPort === undefined ? {} : { [key]: {} },
    HostConfig: {
      PortBindings: hostPort === undefined ? {} : { [key]: [{ HostPort: String(hostPort) }] },
      ...{ Mounts: [], PidsLimit: 64, CapDrop: [], CapAdd: [], SecurityOpt: [], Init: false },
      RestartPolicy: { Name: 'no' },
      LogConfig: { Type: 'json-file', Config: {} },
    },
  };
}
