import type { AppSpec, Instance, ReportedApps } from '@selvage/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DIALECTS, testDatabases } from '../db/test-databases.js';
import { InstanceRow, PurgeRow } from './apps.entity.js';
import { AppsStage, specOn } from './test-apps.js';

const at = (name: string) => ({ project: 'default', name });
const on = (...nodes: string[]) => ({ nodes });
const port = (hostPort: number) => ({ ports: [{ containerPort: 80, hostPort }] });
const secret = { type: 'registry' as const, registry: 'r.example', username: 'u', password: 'correct-horse' };
const refs = (...nodes: string[]) => nodes.map((node) => ({ project: 'default', node }));

describe.each(DIALECTS)('on %s', (dialect) => {
  const databases = testDatabases(dialect);
  let stage: AppsStage;
  beforeAll(async () => {
    stage = await AppsStage.open(await databases.fresh());
  });
  afterAll(() => stage.close());
  beforeEach(async () => {
    stage.nodes.all = [
      { name: 'n1', labels: { site: 'a' }, allowed: ['/srv'] },
      { name: 'n2', labels: { site: 'b' }, state: 'offline' },
      { name: 'n3', labels: {} },
    ];
    stage.labels.forget('default');
    for (const { name } of (await stage.apps.list('default', { limit: 1000 })).items)
      await stage.writes.remove(at(name), 'keep');
    await stage.db.write((tx) => tx.clear(PurgeRow));
    await stage.db.write((tx) => tx.clear(InstanceRow));
    stage.quiet();
  });

  const put = (name: string, spec: AppSpec, ifMatch?: number) =>
    stage.writes.put({ ...at(name), ifMatch }, { labels: {}, spec });
  const purges = () => stage.db.read.find(PurgeRow, { order: { node: 'ASC' } });
  const compiled = async (node: string) => (await stage.desiredApps.compile(refs(node))).get(`default/${node}`);

  describe('an app', () => {
    it('is there when it was put, and its nodes are poked', async () => {
      const made = await put('web', specOn(on('n1')));
      expect(await stage.apps.get('default', 'web')).toEqual(made);
      expect(made).toMatchObject({ name: 'web', status: { state: 'unknown', wanted: 1, running: 0 } });
      expect(stage.poked).toEqual(['default/n1']);
      expect(stage.changed).toEqual(['app web']);
    });

    it('does not change when an equal one is put', async () => {
      const made = await put('web', specOn(on('n1')));
      stage.quiet();
      expect(await put('web', specOn(on('n1')))).toEqual(made);
      expect([stage.poked, stage.changed]).toEqual([[], []]);
    });

    it('that moves pokes the nodes before and after, and no other', async () => {
      await put('web', specOn(on('n1')));
      stage.quiet();
      await put('web', specOn({ selector: 'site=b' }));
      expect(stage.poked.sort()).toEqual(['default/n1', 'default/n2']);
    });

    it('is guarded by the revision that the caller saw', async () => {
      const { revision } = await put('web', specOn(on('n1')));
      await put('web', specOn(on('n2')), revision);
      await expect(put('web', specOn(on('n3')), revision)).rejects.toMatchObject({ code: 'conflict' });
      await expect(stage.writes.remove({ ...at('web'), ifMatch: revision }, 'keep')).rejects.toMatchObject({
        code: 'conflict',
      });
    });

    it('is patched, and the result is checked like a put', async () => {
      await put('web', specOn(on('n1')));
      const labels = { tier: 'x' };
      expect((await stage.writes.patch(at('web'), { labels })).labels).toEqual(labels);
      expect((await stage.writes.patch(at('web'), { labels: { tier: null } })).labels).toEqual({});
      await expect(stage.writes.patch(at('web'), { spec: { containers: [] } })).rejects.toMatchObject({
        code: 'bad_request',
        detail: expect.stringMatching(/^spec\.containers: /) as string,
      });
      await expect(stage.writes.patch(at('none'), {})).rejects.toMatchObject({ code: 'not_found' });
    });

    it.each([
      ['a node that is not there', specOn(on('n1', 'nowhere')), 'bad_request', /node "nowhere" does not exist/],
      ['a secret that is not there', specOn(on('n1'), {}, { imagePullSecret: 's' }), 'bad_request', /no secret "s"/],
      ['a system path', specOn(on('n3'), mounting('/etc')), 'mount_forbidden', /\/etc/],
      ['a path that the node does not list', specOn(on('n1'), mounting('/opt')), 'mount_forbidden', /"n1".*\/opt/],
      [
        'a port of another app there',
        specOn({ selector: 'site' }, port(80)),
        'port_conflict',
        /80\/tcp.*"taken".*"n1"/,
      ],
    ])('is refused with %s', async (_what, spec, code, detail) => {
      await put('taken', specOn(on('n1'), port(80)));
      const refusal = { code, detail: expect.stringMatching(detail) as string };
      await expect(put('web', spec)).rejects.toMatchObject(refusal);
      await expect(stage.writes.check(at('web'), { labels: {}, spec })).rejects.toMatchObject(refusal);
    });

    it('may have the port of an app on another node, and its own', async () => {
      await put('taken', specOn(on('n1'), port(80)));
      await put('web', specOn(on('n2'), port(80)));
      await put('web', specOn(on('n2', 'n3'), port(80)));
      await put('longer', specOn(on('n1'), port(8080)));
    });

    it('gets a port before another one that asks at the same moment, never both', async () => {
      const all = await Promise.allSettled(['a', 'b', 'c'].map((name) => put(name, specOn(on('n1'), port(81)))));
      expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    });

    it('is refused when the node would get more than fits, and only then', async () => {
      const big = Array.from({ length: 28 }, (_, n) => ({ name: `V${n}`, value: 'x'.repeat(32_000) }));
      for (const name of ['a', 'b', 'c', 'd']) await put(name, specOn(on('n1'), { env: big }));
      await expect(put('e', specOn({ nodes: ['n2'], selector: 'site=a' }, { env: big }))).rejects.toMatchObject({
        code: 'bad_request',
        detail: expect.stringMatching(/"n1" would take \d+ bytes; at most 4194304/) as string,
      });
      await put('e', specOn(on('n2'), { env: big }));
    });

    it('that is only checked is shown as it would be and is not there', async () => {
      const shown = await stage.writes.check(at('web'), { labels: { a: 'b' }, spec: specOn(on('n1')) });
      expect(shown).toMatchObject({ name: 'web', labels: { a: 'b' }, status: { wanted: 1 } });
      await expect(stage.apps.get('default', 'web')).rejects.toMatchObject({ code: 'not_found' });
      expect(stage.changed).toEqual([]);
    });

    it('is listed page by page, by label and by node', async () => {
      for (const name of ['a', 'b', 'c']) await put(name, specOn(on(name === 'b' ? 'n2' : 'n1')));
      const page = await stage.apps.list('default', { limit: 2 });
      const rest = await stage.apps.list('default', { limit: 2, cursor: page.cursor });
      expect([...page.items, ...rest.items].map(({ name }) => name)).toEqual(['a', 'b', 'c']);
      const there = await stage.apps.list('default', { limit: 10, node: 'n1' });
      expect(there.items.map(({ name }) => name)).toEqual(['a', 'c']);
      await expect(stage.apps.list('default', { limit: 10, node: 'x' })).rejects.toMatchObject({ code: 'not_found' });
    });

    it('says on which nodes it has a log', async () => {
      await put('web', specOn(on('n1')));
      await expect(stage.apps.placedOn('default', 'web', 'n1')).resolves.toBeDefined();
      await expect(stage.apps.placedOn('default', 'web', 'n2')).rejects.toMatchObject({ code: 'not_found' });
    });
  });

  describe('the desired state of a node', () => {
    it('has its apps in order, whether named or selected, each once', async () => {
      await put('b', specOn({ nodes: ['n1'], selector: 'site=a' }));
      await put('a', specOn({ selector: 'site' }));
      await put('c', specOn(on('n3')));
      expect((await compiled('n1'))?.apps.map(({ name }) => name)).toEqual(['a', 'b']);
      expect((await compiled('n2'))?.apps.map(({ name }) => name)).toEqual(['a']);
      expect(await compiled('unknown')).toEqual({ apps: [], purges: [] });
    });

    it('is the very same object for nodes that have the same', async () => {
      await put('a', specOn({ selector: 'site' }));
      const all = await stage.desiredApps.compile(refs('n1', 'n2', 'n3'));
      expect(all.get('default/n1')).toBe(all.get('default/n2'));
      expect(all.get('default/n1')).not.toBe(all.get('default/n3'));
    });

    it('follows the labels of nodes', async () => {
      await put('a', specOn({ selector: 'site=z' }));
      expect((await compiled('n3'))?.apps).toEqual([]);
      stage.nodes.all = [{ name: 'n3', labels: { site: 'z' } }];
      stage.labels.forget('default');
      expect((await compiled('n3'))?.apps).toHaveLength(1);
    });

    it('has the secrets that its apps use, as they were written last, and no other', async () => {
      await stage.secrets.put(at('robot'), { labels: {}, spec: secret });
      await put('a', specOn(on('n1'), {}, { imagePullSecret: 'robot' }));
      await put('b', specOn(on('n1'), {}, { imagePullSecret: 'robot' }));
      stage.quiet();
      await stage.secrets.put(at('robot'), { labels: {}, spec: { ...secret, password: 'newer' } });
      expect(stage.poked).toEqual(['default/n1']);
      const all = await stage.desiredSecrets.compile(refs('n1', 'n2'));
      expect(all.get('default/n1')).toEqual({ secrets: [{ name: 'robot', spec: { ...secret, password: 'newer' } }] });
      expect(all.get('default/n2')).toEqual({ secrets: [] });
    });
  });

  describe('a secret', () => {
    it('is never shown, is not changed by an equal write and cannot go while an app uses it', async () => {
      const shown = await stage.secrets.put(at('robot'), { labels: {}, spec: secret });
      expect(JSON.stringify(shown)).not.toContain('correct-horse');
      expect(await stage.secrets.put(at('robot'), { labels: {}, spec: secret })).toEqual(shown);
      await put('a', specOn(on('n1'), {}, { imagePullSecret: 'robot' }));
      expect((await stage.secrets.get('default', 'robot')).status.usedBy).toEqual(['a']);
      await expect(stage.secrets.remove(at('robot'))).rejects.toMatchObject({ code: 'in_use' });
      await stage.writes.remove(at('a'), 'keep');
      await stage.secrets.remove(at('robot'));
      await expect(stage.secrets.get('default', 'robot')).rejects.toMatchObject({ code: 'not_found' });
    });
  });

  describe('what a node reports', () => {
    const instance = async (app: string, state: Instance['state']): Promise<Instance> => {
      const found = (await compiled('n1'))?.apps.find(({ name }) => name === app);
      return { app, uid: found?.uid ?? 'x', revision: found?.revision ?? 0, state, containers: [] };
    };
    const report = async (node: string, value: Partial<ReportedApps>): Promise<void> => {
      const full = { instances: [], purged: [], ...value };
      const reports = [{ ref: { project: 'default', node }, value: full, at: '2030-01-01T00:00:00.000Z' }];
      await stage.db.write((tx) => stage.link.apply(tx, reports));
      stage.link.committed(reports);
    };

    it('is shown in the status, and only what changed is told', async () => {
      await put('a', specOn(on('n1')));
      await put('b', specOn(on('n1')));
      await report('n1', { instances: [await instance('a', 'running'), await instance('b', 'progressing')] });
      expect((await stage.apps.get('default', 'a')).status).toMatchObject({ state: 'running', wanted: 1, running: 1 });
      stage.quiet();
      await report('n1', { instances: [await instance('a', 'running'), await instance('b', 'running')] });
      expect(stage.changed).toEqual(['app b']);
      stage.quiet();
      await report('n1', { instances: [await instance('a', 'running')] });
      expect(stage.changed).toEqual(['app b']);
      expect((await stage.apps.get('default', 'b')).status.state).toBe('unknown');
    });

    it('of an app twice is taken once, and of a node that is gone not at all', async () => {
      await put('a', specOn(on('n1')));
      await report('n1', { instances: [await instance('a', 'failed'), await instance('a', 'running')] });
      await report('gone', { instances: [await instance('a', 'failed')] });
      expect((await stage.apps.get('default', 'a')).status).toMatchObject({ state: 'running', instances: [{}] });
    });

    it('is taken from hundreds of nodes at once', async () => {
      stage.nodes.all = Array.from({ length: 700 }, (_, n) => ({ name: `m${n}`, labels: {} }));
      const value = { instances: [await instance('a', 'running')], purged: [] };
      const reports = stage.nodes.all.map(({ name }) => ({
        ref: { project: 'default', node: name },
        value,
        at: 'now',
      }));
      await stage.db.write((tx) => stage.link.apply(tx, reports));
      expect(await stage.db.read.count(InstanceRow)).toBe(700);
    });

    it('ends the wish to remove volumes, of this node and this app', async () => {
      await put('a', specOn(on('n1', 'n2')));
      await report('n3', { instances: [await instance('a', 'running')] });
      const { uid } = await instance('a', 'running');
      await stage.writes.remove(at('a'), 'remove');
      expect((await purges()).map(({ node }) => node)).toEqual(['n1', 'n2', 'n3']);
      expect(await compiled('n1')).toEqual({ apps: [], purges: [{ app: 'a', uid }] });
      stage.quiet();
      await report('n1', { purged: [uid, 'other'] });
      expect(stage.poked).toEqual(['default/n1']);
      expect((await purges()).map(({ node }) => node)).toEqual(['n2', 'n3']);
      await stage.db.write((tx) => stage.link.forget(tx, { project: 'default', node: 'n2' }));
      expect((await purges()).map(({ node }) => node)).toEqual(['n3']);
    });

    it('of a deleted app does not count for a new one of the same name', async () => {
      await put('a', specOn(on('n1')));
      const old = await instance('a', 'running');
      await report('n1', { instances: [old] });
      await stage.writes.remove(at('a'), 'keep');
      expect(await purges()).toEqual([]);
      await put('a', specOn(on('n1')));
      expect((await instance('a', 'running')).uid).not.toBe(old.uid);
      expect((await stage.apps.get('default', 'a')).status.state).toBe('unknown');
    });
  });
});

function mounting(hostPath: string): object {
  return { mounts: [{ hostPath, path: '/x' }] };
}
