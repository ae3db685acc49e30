import { X509Certificate } from 'node:crypto';
import { fingerprintOf, serialOf } from '@selvage/pki';
import { joinTokenText, node as nodeSchema, type NodeFacts, nodeSpec } from '@selvage/protocol';
import { type TempDir, tempDir, until } from '@selvage/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CertificatesStage, machine } from '../certificates/test-stage.js';
import { DIALECTS, testDatabases } from '../db/test-databases.js';
import { GateRegistry, InboundRegistry } from '../link/index.js';
import { NodeChanges } from './node-changes.service.js';
import { NodeGate } from './node-gate.js';
import { NodeWrites } from './node-writes.service.js';
import { brokerContributor, nodeContributor } from './nodes.desired.js';
import { NodeRow } from './nodes.entity.js';
import { factsHandler, NodeLinks } from './nodes.link.js';
import { NodeBrokers1700000010000, Nodes1700000005000 } from './nodes.migration.js';
import { Nodes } from './nodes.service.js';
import { Presence } from './presence.service.js';
import { setReported } from './reported.service.js';

const at = (name: string) => ({ project: 'default', name });
const ref = (node: string) => ({ project: 'default', node });
const spec = { enabled: true, description: '' };
const hour = { ttlSeconds: 3600 };
const facts: NodeFacts = {
  ...{ hostname: 'h', arch: 'amd64', os: 'linux', kernel: '6.1', cpus: 2, cpuModel: 'c', gpus: [], addresses: [] },
  ...{ memoryBytes: 4, diskBytes: 2, diskFreeBytes: 1, agentVersion: '0.1.0', bootedAt: '2026-01-01T00:00:00.000Z' },
  ...{ docker: { state: 'missing', reason: 'none' }, mountAllowList: ['/srv'] },
};

describe.each(DIALECTS)('on %s', (dialect) => {
  const databases = testDatabases(dialect);
  let folder: TempDir;
  let stage: CertificatesStage;
  let nodes: Nodes;
  let writes: NodeWrites;
  let gate: NodeGate;
  let presence: Presence;
  const poked: string[] = [];
  const relabelled: string[] = [];
  const removed: string[] = [];
  const changed: string[] = [];
  const forgotten: string[] = [];

  beforeAll(async () => {
    folder = tempDir();
    stage = await CertificatesStage.open(folder.path, await databases.fresh(), {
      entities: [NodeRow],
      migrations: [Nodes1700000005000, NodeBrokers1700000010000],
    });
    const { db, certificates, sessions, feed, config, log } = stage;
    const poke = (refs: Iterable<{ node: string }>): void => void poked.push(...[...refs].map(({ node }) => node));
    const desired = { poke, revisions: () => ({ desired: 7, stored: 6 }) };
    const forget = (_tx: unknown, { node }: { node: string }) => Promise.resolve(void forgotten.push(node));
    const changes = new NodeChanges(sessions, desired, feed, { forget }, { forget });
    nodes = new Nodes(db, certificates, sessions, desired, changes);
    writes = new NodeWrites(db, config, certificates, nodes, changes, log);
    gate = new NodeGate(certificates, nodes);
    presence = new Presence(db, feed, sessions, config, log);
    nodes.onModuleInit();
    nodes.onRelabelled(({ node }) => relabelled.push(node));
    nodes.onRemoved((_tx, { node }) => Promise.resolve(void removed.push(node)));
    certificates.onJoined((tx, joins) =>
      setReported(
        tx,
        'joined_at',
        joins.map((join) => ({ ref: join.ref, text: join.at })),
      ),
    );
    certificates.listening(12_345);
    feed.subscribe(({ noun, name }) => changed.push(`${noun} ${name}`));
  });
  afterAll(async () => {
    await presence.stop();
    await stage.close();
    folder.remove();
  });

  const row = (name: string): Promise<NodeRow> => stage.db.read.findOneByOrFail(NodeRow, at(name));
  const peer = (chain: string, node: string) => {
    const leaf = new X509Certificate(chain);
    return { ref: ref(node), serial: serialOf(leaf), fingerprint: fingerprintOf(leaf), agent: '0.1.0', protocol: 1 };
  };
  /** A node that was created and joined through the API and the TLS port. */
  async function joined(name: string): Promise<string> {
    const { token } = await writes.join(at(name), hour);
    return (await stage.port.ask('/join', { token, csr: (await machine()).csr })).chain;
  }

  describe('a node', () => {
    it('is created, replaced, and guarded by its revision', async () => {
      const made = await writes.put(at('a1'), { labels: { site: 'x' }, spec });
      expect(nodeSchema.parse(made)).toEqual(made);
      expect(made.status.state).toBe('never_joined');
      const next = await writes.put({ ...at('a1'), ifMatch: made.revision }, { labels: {}, spec });
      expect(next.revision).toBeGreaterThan(made.revision);
      const stale = writes.put({ ...at('a1'), ifMatch: made.revision }, { labels: {}, spec });
      await expect(stale).rejects.toMatchObject({ code: 'conflict' });
      expect(relabelled.filter((name) => name === 'a1')).toHaveLength(2);
      expect(changed).toContain('node a1');
    });

    it('is patched, and the result is checked', async () => {
      await writes.put(at('a2'), { labels: { site: 'x', tier: 'y' }, spec });
      const patched = await writes.patch(at('a2'), { labels: { tier: null }, spec: { description: 'roof' } });
      expect(patched).toMatchObject({ labels: { site: 'x' }, spec: { enabled: true, description: 'roof' } });
      await expect(writes.patch(at('a2'), { spec: { colour: 'red' } })).rejects.toMatchObject({ code: 'bad_request' });
      await expect(writes.patch(at('none'), {})).rejects.toMatchObject({ code: 'not_found' });
      expect((await nodes.get('default', 'a2')).revision).toBe(patched.revision);
    });

    it('is made by asking for a join token, with its labels', async () => {
      const made = await writes.join(at('a3'), { ...hour, labels: { site: 'x' } });
      expect(made.hubUrl).toBe('https://127.0.0.1:12345');
      expect(made.command).toBe(`selvage-agent join --hub https://127.0.0.1:12345 --token ${made.token}`);
      expect(joinTokenText.parse(made.token)).toMatchObject(ref('a3'));
      const before = await nodes.get('default', 'a3');
      await writes.join(at('a3'), { ...hour, labels: { site: 'x' } });
      expect((await nodes.get('default', 'a3')).revision).toBe(before.revision);
      await writes.join(at('a3'), { ...hour, labels: { tier: 'y' } });
      expect((await nodes.get('default', 'a3')).labels).toEqual({ site: 'x', tier: 'y' });
      const bad = writes.join(at('a4'), { ...hour, labels: { site: 'a b' } });
      await expect(bad).rejects.toMatchObject({
        code: 'bad_request',
        detail: expect.stringContaining('labels.site') as string,
      });
      expect(await nodes.exist('default', ['a3', 'a4'])).toEqual(new Set(['a3']));
    });

    it('joins, is let in, and shows what is known of it', async () => {
      const chain = await joined('a5');
      await gate.admit(peer(chain, 'a5'));
      expect((await nodes.get('default', 'a5')).status).toMatchObject({ state: 'offline', certificateDaysLeft: 89 });
      const session = stage.sessions.open(ref('a5'));
      const { status } = await nodes.get('default', 'a5');
      expect(status).toMatchObject({ state: 'ready', desiredRevision: 7, storedRevision: 6 });
      expect(status.lastSeenAt).toBe(new Date(session.heardAt).toISOString());
      await expect(gate.admit({ ...peer(chain, 'a5'), protocol: 2 })).rejects.toMatchObject({
        code: 'protocol_mismatch',
      });
    });

    it('has a list of certificates when it is there, or when it had some', async () => {
      const { certificates } = stage;
      expect(await certificates.list(ref('a1'), { limit: 1 })).toEqual({ items: [] });
      const none = certificates.list(ref('nobody'), { limit: 1 });
      await expect(none).rejects.toMatchObject({ code: 'not_found' });
    });

    it('is disconnected while it is disabled', async () => {
      const chain = await joined('a6');
      stage.sessions.open(ref('a6'));
      await writes.patch(at('a6'), { spec: { enabled: false } });
      expect(stage.sessions.ended.at(-1)).toEqual(['default/a6', 'node_disabled']);
      expect(poked.at(-1)).toBe('a6');
      await expect(gate.admit(peer(chain, 'a6'))).rejects.toMatchObject({ code: 'node_disabled' });
      await writes.patch(at('a6'), { spec: { enabled: true } });
      await gate.admit(peer(chain, 'a6'));
      expect((await row('a6')).joinedAt).not.toBeNull();
    });

    it('is disconnected when it was locked out while its link opened', async () => {
      await joined('a8');
      const { feed, log, sessions } = stage;
      const links = new NodeLinks(new GateRegistry(), gate, new InboundRegistry(), feed, sessions, log);
      const [certificate] = (await stage.certificates.list(ref('a8'), { limit: 1 })).items;
      const serial = certificate?.serial ?? '';
      links.opened(sessions.open(ref('a8'), serial));
      await gate.recheck({ ref: ref('a8'), serial });
      expect(sessions.find(ref('a8'))).toBeDefined();
      sessions.live.delete('default/a8');
      await stage.certificates.revoke({ project: 'default', serial }, 'lost');
      links.opened(sessions.open(ref('a8'), serial));
      await until(() => sessions.find(ref('a8')) === undefined);
      expect(sessions.ended.at(-1)).toEqual(['default/a8', 'certificate_revoked']);
    });

    it('is gone with its certificates when it is deleted', async () => {
      const chain = await joined('a7');
      stage.sessions.open(ref('a7'));
      const { revision } = await nodes.get('default', 'a7');
      await expect(writes.remove({ ...at('a7'), ifMatch: revision - 1 })).rejects.toMatchObject({ code: 'conflict' });
      await gate.admit(peer(chain, 'a7'));
      await writes.remove({ ...at('a7'), ifMatch: revision });
      expect(removed).toEqual(['a7']);
      expect(forgotten.at(-1)).toBe('a7');
      expect(stage.sessions.ended.at(-1)).toEqual(['default/a7', 'not_found']);
      await expect(gate.admit(peer(chain, 'a7'))).rejects.toThrow('the node was deleted');
      await expect(writes.remove(at('a7'))).rejects.toMatchObject({ code: 'not_found' });
      await writes.put(at('a7'), { labels: {}, spec });
      await expect(gate.admit(peer(chain, 'a7'))).rejects.toMatchObject({ code: 'certificate_revoked' });
    });

    it('is listed by state and labels, in pages', async () => {
      const list = async (more: object) =>
        (await nodes.list('default', { limit: 100, ...more })).items.map(({ name }) => name);
      expect(await list({ labels: 'site=x' })).toEqual(['a2', 'a3']);
      expect(await list({ state: 'ready' })).toEqual(['a5']);
      expect(await list({ state: 'offline' })).toEqual(['a6', 'a8']);
      const page = await nodes.list('default', { limit: 2 });
      expect(await list({ limit: 2, cursor: page.cursor })).toEqual(['a3', 'a5']);
    });
  });

  describe('what nodes report', () => {
    it('is written for many at once, and does not bring back a node that is gone', async () => {
      const names = Array.from({ length: 600 }, (_, index) => `f${index}`);
      await stage.db.write(async (tx) => {
        for (const name of names.slice(0, 3)) await tx.insert(NodeRow, { ...(await row('a1')), id: name, name });
      });
      const handler = factsHandler(stage.feed);
      const reports = names.map((node) => ({ ref: ref(node), value: { ...facts, hostname: node }, at: '' }));
      await stage.db.write((tx) => handler.apply(tx, reports));
      expect((await row('f2')).facts?.hostname).toBe('f2');
      expect(await nodes.mountHosts('default', ['f0', 'a1', 'f9'])).toEqual([
        { node: 'a1', allowed: undefined },
        { node: 'f0', allowed: ['/srv'] },
      ]);
      const { revision } = await row('f2');
      await writes.put({ ...at('f2'), ifMatch: revision }, { labels: {}, spec });
      expect((await row('f2')).facts?.hostname).toBe('f2');
    });

    it('is when they were there: told at once, written soon', async () => {
      const session = stage.sessions.open(ref('a6'));
      changed.length = 0;
      presence.opened(session);
      presence.closed({ ...session, heardAt: Date.UTC(2020, 0, 1) });
      expect(changed).toEqual(['node a6', 'node a6']);
      await until(async () => (await row('a6')).lastSeenAt === '2020-01-01T00:00:00.000Z');
      const before = Date.now();
      presence.closed({ ...session, heardAt: before - 10_000 });
      await presence.stop();
      expect(Date.parse((await row('a6')).lastSeenAt ?? '')).toBeGreaterThanOrEqual(before);
    });
  });

  describe('other slices', () => {
    it('learn states, labels and the section of each node', async () => {
      stage.sessions.open(ref('a5'));
      expect(await nodes.statesOf('default', ['a1', 'a5', 'none'])).toEqual(
        new Map([
          ['a1', 'never_joined'],
          ['a5', 'ready'],
        ]),
      );
      const all = await nodes.namesAndLabels('default');
      expect(all.find(({ name }) => name === 'a3')).toEqual({ name: 'a3', labels: { site: 'x', tier: 'y' } });
      expect(await nodeContributor(nodes).compile([ref('a1'), ref('none')])).toEqual(
        new Map([['default/a1', { project: 'default', node: 'a1', enabled: true }]]),
      );
    });

    it('is told what an operator says about its broker, and nothing else', async () => {
      const broker = nodeSpec.parse({ broker: { tls: { port: 9883 } } }).broker ?? null;
      await writes.put(at('k1'), { labels: {}, spec });
      poked.length = 0;
      const made = await writes.patch(at('k1'), { spec: { broker: { tls: { port: 9883 } } } });
      expect(nodeSchema.parse(made)).toEqual(made);
      expect(made.spec.broker).toEqual(broker);
      expect(poked).toEqual(['k1']);
      expect(await brokerContributor(nodes).compile([ref('k1'), ref('a1')])).toEqual(new Map([['default/k1', broker]]));
      await expect(writes.patch(at('k1'), { spec: { broker: { tls: { prot: 1 } } } })).rejects.toThrow(/prot/);
      expect((await writes.put(at('k1'), { labels: {}, spec })).spec).not.toHaveProperty('broker');
    });
  });
});
