import type { NodeFacts } from '@selvage/protocol';
import { describe, expect, it } from 'vitest';
import { bootTime, imageArch, osName, reachable, settled } from './status.js';

const GB = 1e9;
const facts: NodeFacts = {
  hostname: 'edge',
  arch: 'arm64',
  os: 'Debian',
  kernel: '6.1',
  cpus: 4,
  cpuModel: 'A72',
  memoryBytes: 4 * GB,
  diskBytes: 100 * GB,
  diskFreeBytes: 40 * GB,
  addresses: ['10.0.0.2'],
  gpus: [],
  docker: { state: 'ready' },
  mountAllowList: [],
  agentVersion: '1',
  bootedAt: '2030-01-01T00:00:00.000Z',
};

describe('facts that are reported', () => {
  it('are all of them at first', () => {
    expect(settled(undefined, facts)).toEqual(facts);
  });

  it.each([
    ['does not, a little', { diskFreeBytes: 39 * GB }, { diskFreeBytes: 40 * GB }],
    ['does not, more than nothing up', { diskFreeBytes: 43 * GB }, { diskFreeBytes: 40 * GB }],
    ['does, a tenth of the free space', { diskFreeBytes: 36 * GB }, { diskFreeBytes: 36 * GB }],
    ['does, a twentieth of the disk', { diskFreeBytes: 45 * GB }, { diskFreeBytes: 45 * GB }],
    [
      'does, a larger disk',
      { diskBytes: 200 * GB, diskFreeBytes: 41 * GB },
      { diskBytes: 200 * GB, diskFreeBytes: 41 * GB },
    ],
    ['does not, a boot seconds off', { bootedAt: '2030-01-01T00:00:02.000Z' }, {}],
    ['does, another boot', { bootedAt: '2030-01-02T00:00:00.000Z' }, { bootedAt: '2030-01-02T00:00:00.000Z' }],
    ['does, the engine', { docker: { state: 'missing' } as const }, { docker: { state: 'missing' } }],
  ])('change when something matters: %s', (_what, now, reported) => {
    expect(settled(facts, { ...facts, ...now })).toEqual({ ...facts, ...reported });
  });

  it('notice a small disk that fills up slowly', () => {
    const last = { ...facts, diskFreeBytes: 100 };
    expect(settled(last, { ...facts, diskFreeBytes: 90 }).diskFreeBytes).toBe(90);
    expect(settled(last, { ...facts, diskFreeBytes: 91 }).diskFreeBytes).toBe(100);
  });
});

it('addresses are those under which others reach this machine', () => {
  const address = (name: string, text: string, internal = false) => ({ interface: name, address: text, internal });
  const all = [
    address('lo', '127.0.0.1', true),
    address('eth0', '192.168.1.5'),
    address('eth0', 'fe80::1'),
    address('eth0', '2001:db8::5'),
    address('eth1', '169.254.3.4'),
    address('docker0', '172.17.0.1'),
    address('br-0a1b', '172.18.0.1'),
    address('veth3', 'fe80::2'),
    address('wlan0', '10.0.0.7'),
    address('wlan0', '10.0.0.7'),
  ];
  expect(reachable(all)).toEqual(['10.0.0.7', '192.168.1.5', '2001:db8::5']);
});

it.each([
  ['x64', 'amd64'],
  ['arm64', 'arm64'],
  ['arm', 'arm'],
  ['ia32', '386'],
  ['riscv64', 'riscv64'],
])('the architecture %s is %s to images', (node, docker) => {
  expect(imageArch(node)).toBe(docker);
});

it.each([
  ['NAME=x\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n', 'Debian GNU/Linux 12 (bookworm)'],
  ["PRETTY_NAME='Yocto'\n", 'Yocto'],
  ['PRETTY_NAME=Alpine', 'Alpine'],
  ['', undefined],
])('os-release %j names %s', (text, name) => {
  expect(osName(text)).toBe(name);
});

it('the boot is when the kernel says', () => {
  expect(bootTime('cpu 1 2\nbtime 1893456000\nprocesses 5\n')).toBe('2030-01-01T00:00:00.000Z');
  expect(bootTime('')).toBeUndefined();
});
