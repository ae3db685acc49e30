import { describe, expect, it } from 'vitest';
import { appSpec, appWrite, logQuery } from './apps.js';

const container = { name: 'web', image: 'web:1' };
const app = { placement: { nodes: ['local'] }, containers: [container] };

describe('an app', () => {
  it('is filled in with defaults', () => {
    expect(appSpec.parse(app).containers[0]).toEqual({
      ...container,
      env: [],
      ports: [],
      mounts: [],
      limits: {},
      restart: 'always',
      stopTimeoutSeconds: 10,
    });
  });

  it.each([
    ['an unknown key', { ...app, replica: 2 }, []],
    ['an unknown key of a container', { ...app, containers: [{ ...container, imagee: 'x' }] }, ['containers', 0]],
    ['no node', { ...app, placement: {} }, ['placement']],
    ['no container', { ...app, containers: [] }, ['containers']],
    ['two containers of one name', { ...app, containers: [container, container] }, ['containers', 1, 'name']],
    [
      'a host port used twice',
      { ...app, containers: [{ ...container, ports: [port(80), port(80)] }] },
      ['containers', 0, 'ports', 1],
    ],
    [
      'a port out of range',
      { ...app, containers: [{ ...container, ports: [port(0)] }] },
      ['containers', 0, 'ports', 0, 'hostPort'],
    ],
    ['a bad image', { ...app, containers: [{ ...container, image: 'Web' }] }, ['containers', 0, 'image']],
  ])('with %s is refused at its path', (_what, given, path) => {
    const parsed = appSpec.safeParse(given);
    expect(parsed.error?.issues.map((issue) => issue.path)).toContainEqual(path);
  });

  it('refuses a host path that climbs', () => {
    const mounts = [{ hostPath: '/srv/../etc', path: '/x' }];
    expect(appSpec.safeParse({ ...app, containers: [{ ...container, mounts }] }).success).toBe(false);
  });

  it('takes no prototype for a label', () => {
    const body: unknown = JSON.parse('{"labels":{"__proto__":{"a":"b"}},"spec":null}');
    expect(appWrite.safeParse(body).success).toBe(false);
  });
});

describe('a log query', () => {
  it('reads its flags from text', () => {
    expect(logQuery.parse({ node: 'local', follow: 'true', tail: '5' })).toEqual({
      node: 'local',
      follow: true,
      tail: 5,
      timestamps: false,
    });
  });

  it.each([{}, { node: 'local', tail: '-1' }, { node: 'local', follow: 'maybe' }, { node: 'local', x: '1' }])(
    '%j is refused',
    (query) => {
      expect(logQuery.safeParse(query).success).toBe(false);
    },
  );
});

function port(hostPort: number): { containerPort: number; hostPort: number } {
  return { containerPort: 80, hostPort };
}
