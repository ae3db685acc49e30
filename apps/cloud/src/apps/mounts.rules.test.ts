import { describe, expect, it } from 'vitest';
import { hostPathsOf, refuseSystemPaths, refuseUnlistedPaths } from './mounts.rules.js';

const mounting = (...paths: string[]) => ({
  containers: [
    {
      name: 'c',
      image: 'nginx',
      env: [],
      ports: [],
      mounts: [
        { volume: 'data', path: '/data', readOnly: false },
        ...paths.map((hostPath) => ({ hostPath, path: '/x', readOnly: false })),
      ],
      limits: {},
      restart: 'always' as const,
      stopTimeoutSeconds: 10,
    },
  ],
});

describe('a host path', () => {
  it.each([
    ['/'],
    ['//'],
    ['/./'],
    ['/etc'],
    ['/etc/'],
    ['/etc/ssh/keys'],
    ['//etc//passwd'],
    ['/proc'],
    ['/proc/1/root'],
    ['/sys/fs'],
    ['/dev/sda'],
    ['/boot'],
    ['/root/.ssh'],
    ['/run'],
    ['/run/docker.sock'],
    ['/var/run/docker.sock'],
    ['/var/lib/docker/volumes'],
    ['/var/lib/selvage'],
    ['/var/lib'],
    ['/var'],
    ['/usr'],
    ['/srv/docker.sock'],
    ['/srv/docker.sock/x'],
  ])('%s is never mounted', (path) => {
    expect(() => {
      refuseSystemPaths(hostPathsOf(mounting(path)));
    }).toThrow(expect.objectContaining({ code: 'mount_forbidden' }));
  });

  it.each([['/srv'], ['/data/etc'], ['/etcetera'], ['/var/log/app'], ['/home/dev/etc'], ['/mnt/run']])(
    '%s may be mounted where the node allows it',
    (path) => {
      expect(() => {
        refuseSystemPaths(hostPathsOf(mounting(path)));
      }).not.toThrow();
    },
  );

  it.each<[string, string, string[] | undefined, boolean]>([
    ['is open when the node has not said what it allows', '/srv/a', undefined, true],
    ['is refused when the node allows nothing', '/srv/a', [], false],
    ['is open when it is on the list', '/srv/a', ['/srv/a'], true],
    ['is open under a listed path', '/srv/a/b', ['/srv/a/'], true],
    ['is refused beside a listed path', '/srv/ab', ['/srv/a'], false],
    ['is refused above a listed path', '/srv', ['/srv/a'], false],
    ['is open when the node allows everything', '/srv', ['/'], true],
  ])('%s', (_what, path, allowed, good) => {
    const check = () => {
      refuseUnlistedPaths([path], [{ node: 'n1', allowed }]);
    };
    if (good) expect(check).not.toThrow();
    else expect(check).toThrow(/Node "n1" does not allow the host path \/srv/);
  });
});

describe('the host paths of an app', () => {
  it('leave named volumes out and come once each', () => {
    expect(hostPathsOf(mounting('/srv/a', '/srv/a/', '/srv/b'))).toEqual(['/srv/a', '/srv/b']);
  });
});
