import { containerSpec } from '@selvage/protocol';
import { describe, expect, it } from 'vitest';
import { containerRequest, specText } from './spec.js';

const plain = { name: 'web', image: 'web:1' };
const setting = { image: 'web@sha256:1', labels: { a: 'b' }, sources: [] };
const request = (spec: object, sources: string[] = []) =>
  containerRequest(containerSpec.parse({ ...plain, ...spec }), { ...setting, sources });
const textOf = (spec: object, image = 'web@sha256:1'): string =>
  specText(containerSpec.parse({ ...plain, ...spec }), image);

describe('a container', () => {
  it('gets few rights, a bounded log and no restarts by the engine', () => {
    expect(request({})).toEqual({
      Image: 'web@sha256:1',
      Labels: { a: 'b' },
      Env: [],
      StopTimeout: 10,
      ExposedPorts: {},
      HostConfig: {
        PortBindings: {},
        Mounts: [],
        PidsLimit: 1024,
        CapDrop: ['ALL'],
        CapAdd: [
          'CHOWN',
          'DAC_OVERRIDE',
          'FOWNER',
          'FSETID',
          'KILL',
          'NET_BIND_SERVICE',
          'SETGID',
          'SETPCAP',
          'SETUID',
        ],
        SecurityOpt: ['no-new-privileges'],
        Init: false,
        RestartPolicy: { Name: 'no' },
        LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } },
      },
    });
  });

  it('gets what its spec says', () => {
    const ports = [
      { containerPort: 80, hostPort: 8080 },
      { containerPort: 80, hostPort: 8081, hostIp: '127.0.0.1' },
      { containerPort: 53, hostPort: 53, protocol: 'udp' },
    ];
    const mounts = [
      { volume: 'data', path: '/data' },
      { hostPath: '/srv/x', path: '/x', readOnly: true },
    ];
    const spec = {
      command: ['/bin/web'],
      args: ['-v'],
      env: [{ name: 'A', value: 'b=c' }],
      ports,
      mounts,
      limits: { cpu: 0.25, memoryMb: 64 },
      user: '1000:1000',
      stopTimeoutSeconds: 3,
    };
    expect(request(spec, ['volume-of-data', '/real/x'])).toMatchObject({
      Entrypoint: ['/bin/web'],
      Cmd: ['-v'],
      Env: ['A=b=c'],
      User: '1000:1000',
      StopTimeout: 3,
      ExposedPorts: { '80/tcp': {}, '53/udp': {} },
      HostConfig: {
        PortBindings: {
          '80/tcp': [{ HostPort: '8080' }, { HostPort: '8081', HostIp: '127.0.0.1' }],
          '53/udp': [{ HostPort: '53' }],
        },
        Mounts: [
          { Type: 'volume', Source: 'volume-of-data', Target: '/data', ReadOnly: false },
          { Type: 'bind', Source: '/real/x', Target: '/x', ReadOnly: true },
        ],
        NanoCpus: 250_000_000,
        Memory: 67_108_864,
        MemorySwap: 67_108_864,
      },
    });
  });
});

describe('the text of a spec', () => {
  it.each([
    ['image', {}, 'web@sha256:2'],
    ['command', { command: ['x'] }],
    ['arguments', { args: [] }],
    ['environment', { env: [{ name: 'A', value: '1' }] }],
    ['ports', { ports: [{ containerPort: 1, hostPort: 1 }] }],
    ['mounts', { mounts: [{ volume: 'v', path: '/v' }] }],
    ['limits', { limits: { cpu: 1 } }],
    ['time to stop', { stopTimeoutSeconds: 1 }],
    ['user', { user: 'nobody' }],
  ])('changes with the %s', (_what, spec, image = 'web@sha256:1') => {
    expect(textOf(spec, image)).not.toBe(textOf({}));
  });

  it('does not change with the restart policy, the tag, or the order of keys', () => {
    expect(textOf({ restart: 'never', image: 'web:2' })).toBe(textOf({}));
    const port = { containerPort: 1, hostPort: 2, protocol: 'tcp' };
    expect(textOf({ ports: [Object.fromEntries(Object.entries(port).reverse())] })).toBe(textOf({ ports: [port] }));
  });
});
