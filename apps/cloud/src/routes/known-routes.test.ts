import { routeWrite } from '@selvage/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { Database } from '../db/index.js';
import { KnownRoutes } from './known-routes.service.js';
import { RouteRow } from './routes.entity.js';

const LIVE = { target: { endpoint: 'live' } };
const events = (...types: string[]): object => ({ ...LIVE, source: { endpoint: 'events', types } });

describe('routes for an event', () => {
  let known: KnownRoutes;
  /** How often somebody asked where messages of another route come from. */
  let asked: number;
  beforeEach(() => {
    known = new KnownRoutes(Object.create(Database.prototype) as Database);
    asked = 0;
  });

  const row = (name: string, spec: object, project = 'default'): RouteRow => {
    const parsed = routeWrite.parse({ spec }).spec;
    return Object.assign(new RouteRow(), { uid: `uid-${project}-${name}`, project, name, spec: parsed });
  };
  const counted = (route: RouteRow): RouteRow => {
    const { source } = route.spec;
    const get = (): typeof source => ((asked += 1), source);
    route.spec = Object.defineProperty({ ...route.spec }, 'source', { get });
    return route;
  };
  const namesFor = (type: 'app.created' | 'node.online', project = 'default'): string[] =>
    known.forEvent(project, type).map(({ name }) => name);

  it('are those of its project that name its type, or all of its noun, and are not stopped', () => {
    known.written(row('named', events('app.created')));
    known.written(row('all', events('app.*')));
    known.written(row('others', events('node.*')));
    known.written(row('away', events('app.*'), 'other'));
    known.written(row('stopped', { ...events('app.*'), state: 'stopped' }));
    expect([namesFor('app.created'), namesFor('node.online')]).toEqual([['named', 'all'], ['others']]);
    expect([namesFor('app.created', 'other'), namesFor('app.created', 'nobody')]).toEqual([['away'], []]);
  });

  it('follow what becomes of them', () => {
    known.written(row('a', events('app.*')));
    known.written(row('a', { ...events('app.*'), state: 'stopped' }));
    expect(namesFor('app.created')).toEqual([]);
    known.written(row('a', events('node.*')));
    expect([namesFor('app.created'), namesFor('node.online')]).toEqual([[], ['a']]);
    known.removed(row('a', events('node.*')));
    expect(namesFor('node.online')).toEqual([]);
  });

  it('are found without a look at any other', () => {
    for (let n = 0; n < 100; n += 1)
      known.written(counted(row(`r${n}`, { ...LIVE, source: { endpoint: 'edge', topic: 'a/#' } })));
    known.written(row('all', events('app.*')));
    asked = 0;
    expect([namesFor('app.created'), asked]).toEqual([['all'], 0]);
  });
});
