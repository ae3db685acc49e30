import { describe, expect, it } from 'vitest';
import { clash, clashes, portConflict, type PortUse, portsOf } from './ports.rules.js';

const use = (hostIp?: string, hostPort = 80, protocol: 'tcp' | 'udp' = 'tcp'): PortUse => ({
  app: 'web',
  hostPort,
  protocol,
  hostIp,
});

describe('two uses of a host port', () => {
  it.each<[string, PortUse, PortUse, boolean]>([
    ['clash when both take all addresses', use(), use(), true],
    ['clash when one takes all addresses', use(), use('10.0.0.1'), true],
    ['clash when one says 0.0.0.0', use('0.0.0.0'), use('10.0.0.1'), true],
    ['clash when one says ::', use('10.0.0.1'), use('::'), true],
    ['clash on the same address', use('10.0.0.1'), use('10.0.0.1'), true],
    ['do not clash on different addresses', use('10.0.0.1'), use('10.0.0.2'), false],
    ['do not clash on different ports', use(undefined, 80), use(undefined, 81), false],
    ['do not clash on different protocols', use(undefined, 53, 'tcp'), use(undefined, 53, 'udp'), false],
  ])('%s', (_what, a, b, expected) => {
    expect(clash(a, b)).toBe(expected);
    expect(clash(b, a)).toBe(expected);
  });

  it('are the same address however IPv6 is spelled', () => {
    const spec = (hostIp: string) => ({
      containers: [container([{ containerPort: 80, hostPort: 80, protocol: 'tcp' as const, hostIp }])],
    });
    const [short, long] = [portsOf('a', spec('::1')), portsOf('b', spec('0:0:0:0:0:0:0:1'))];
    expect(clashes(short, long)).toHaveLength(1);
  });
});

describe('the host ports of an app', () => {
  it('are those of all its containers', () => {
    const containers = [
      container([{ containerPort: 80, hostPort: 8080, protocol: 'tcp' }]),
      container([{ containerPort: 53, hostPort: 53, protocol: 'udp', hostIp: '10.0.0.1' }]),
    ];
    expect(portsOf('web', { containers })).toEqual([use(undefined, 8080), use('10.0.0.1', 53, 'udp')]);
  });

  it('are named in the refusal with the other app and the node', () => {
    expect(portConflict(use(undefined, 8080), 'shop', 'n1').detail).toBe(
      'Host port 8080/tcp is used by app "shop" on node "n1".',
    );
    expect(portConflict(use('::1'), 'shop', 'n1').detail).toContain('[::1]:80/tcp');
  });
});

function container(ports: { containerPort: number; hostPort: number; protocol: 'tcp' | 'udp'; hostIp?: string }[]) {
  return {
    name: 'c',
    image: 'nginx',
    env: [],
    ports,
    mounts: [],
    limits: {},
    restart: 'always' as const,
    stopTimeoutSeconds: 10,
  };
}
