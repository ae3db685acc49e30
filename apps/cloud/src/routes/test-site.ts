import type { Outcome, Taken } from '@selvage/outbox';
import { type DownFrame, type frames, nodeKey, type NodeRef, type RoutedMessage, routeWrite } from '@selvage/protocol';
import { type TempDir, tempDir } from '@selvage/testkit';
import { decodeRouted, encodeRouted } from '@selvage/wire';
import { type Database, openDatabase, Settings, Settings1700000000000 } from '../db/index.js';
import type { Session, SessionListener } from '../link/index.js';
import { MessagePosition } from '../link/messages.entity.js';
import type { MessageSource } from '../link/messages-intake.js';
import { Messages1700000001600, MessagesTouched1700000001700 } from '../link/messages.migration.js';
import { MessagePositions } from '../link/messages-positions.service.js';
import { MessageWriter } from '../link/messages-writer.js';
import { MessageRegistry } from '../link/messages.js';
import { createLog } from '../log/index.js';
import { RouteCounts } from './counts.service.js';
import { Deliveries } from './deliveries.service.js';
import { HubOutbox } from './hub-outbox.service.js';
import { RouteIntake } from './intake.service.js';
import { type KnownRoute, KnownRoutes } from './known-routes.service.js';
import { type Lane, linkLane } from './lanes.rules.js';
import { RouteCountRow, RouteReportRow, RouteRow } from './routes.entity.js';
import { RouteMessagesHeld1700000016000, Routes1700000014000 } from './routes.migration.js';

const messages = [Messages1700000001600, MessagesTouched1700000001700];
const migrations = [Settings1700000000000, ...messages, Routes1700000014000, RouteMessagesHeld1700000016000];
const schema = { entities: [Settings, MessagePosition, RouteRow, RouteReportRow, RouteCountRow], migrations };
const EDGE_TO_HOOK = { source: { endpoint: 'edge', topic: 'sensors/#' }, target: { endpoint: 'hook' } };

/** A link as the floor sees it, with what its node was told. */
export class NodeLink implements MessageSource {
  readonly key: string;
  readonly settled = new Map<string, number>();
  readonly rejected: string[] = [];

  constructor(readonly ref: NodeRef) {
    this.key = nodeKey(ref);
  }

  send(frame: DownFrame): void {
    if (frame.t === 'settled') this.settled.set(frame.lane, frame.upTo);
    if (frame.t === 'rejected') this.rejected.push(`${frame.seq} ${frame.code}: ${frame.detail}`);
  }
}

/** What was handed to a target. */
interface Handed {
  readonly route: KnownRoute;
  readonly lane: Lane;
  readonly message: RoutedMessage;
}

/** The core of the slice on a real database, with the link's writer before it and a target of the test's behind it. */
export class RouteSite {
  db!: Database;
  known!: KnownRoutes;
  hub!: HubOutbox;
  counts!: RouteCounts;
  deliveries!: Deliveries;
  intake!: RouteIntake;
  writer!: MessageWriter;
  readonly handed: Handed[] = [];
  /** What becomes of a message; the test's choice. */
  outcome: (message: RoutedMessage, lane: Lane) => Outcome | Promise<Outcome> = () => ({ is: 'delivered' });
  readonly connected = new Set<string>();
  private listener: SessionListener = {};
  private readonly folder: TempDir = tempDir();
  private revision = 0;
  private isOpen = false;

  constructor(private readonly url: string | undefined) {}

  async start(): Promise<void> {
    const log = createLog('silent');
    this.db = openDatabase({ folder: this.folder.path, url: this.url }, schema);
    await this.db.start('epoch');
    this.known = new KnownRoutes(this.db);
    this.hub = new HubOutbox(this.db, this.known, log);
    this.counts = new RouteCounts(this.db, log);
    this.deliveries = new Deliveries(
      this.known,
      this.hub,
      { gather: () => Promise.resolve(undefined), deliver: (route, lane, batch) => this.deliver(route, lane, batch) },
      {
        find: (ref) => (this.connected.has(nodeKey(ref)) ? sessionOf(ref) : undefined),
        listen: (listener) => (this.listener = listener),
      },
    );
    this.intake = new RouteIntake(this.known, this.hub, this.counts);
    await this.known.start();
    await this.hub.start();
    await this.counts.start();
    this.deliveries.start();
    const registry = new MessageRegistry();
    registry.add(this.intake);
    this.writer = new MessageWriter(this.db, registry, new MessagePositions(this.db), log);
    this.isOpen = true;
  }

  async stop(): Promise<void> {
    if (!this.isOpen) return;
    this.isOpen = false;
    await this.writer.stop();
    this.deliveries.stop();
    await this.counts.stop();
    await this.hub.stop();
    await this.db.stop();
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  async close(): Promise<void> {
    await this.stop();
    this.folder.remove();
  }

  /** Makes a route, or changes the one of this name. */
  async route(name: string, spec: object = {}, project = 'default'): Promise<KnownRoute> {
    const write = routeWrite.parse({ spec: { ...EDGE_TO_HOOK, ...spec } });
    const row = this.row(name, project, write);
    await this.db.write((tx) => tx.upsert(RouteRow, { ...row }, ['id']));
    this.known.written(row);
    const known = this.known.named(project, name);
    if (known === undefined) throw new Error(`route ${name} is not known`);
    return known;
  }

  private row(name: string, project: string, { labels, spec }: ReturnType<typeof routeWrite.parse>): RouteRow {
    this.revision += 1;
    const now = new Date(0).toISOString();
    const [id, revision] = [`${project}/${name}`, this.revision];
    const resource = { id, name, project, labels, revision, createdAt: now, updatedAt: now };
    return Object.assign(new RouteRow(), { ...resource, uid: `uid-${project}-${name}`, target: 'hook', spec });
  }

  async remove(route: KnownRoute): Promise<void> {
    const { uid, project, name } = route;
    await this.db.write((tx) => tx.delete(RouteRow, { uid }));
    this.known.removed(Object.assign(new RouteRow(), { uid, project, name }));
    this.hub.forget(uid);
  }

  /** What a node sends: texts of one topic and key, numbered from `first` on. */
  sends(link: NodeLink, route: Pick<KnownRoute, 'uid'>, first: number, ...texts: readonly string[]): void {
    const items = texts.map((text, at): frames.Message => {
      const message = { id: `${link.ref.node}-${first + at}`, topic: 'sensors/a', at: 1_000, vars: { node: 'forged' } };
      const body = encodeRouted({ ...message, node: 'forged', payload: Buffer.from(text) });
      return { seq: first + at, lane: linkLane(route.uid), at: 1_000, key: 'sensors/a', body };
    });
    this.writer.take(link, { pause: () => undefined, resume: () => undefined }, { t: 'messages', epoch: 'e', items });
  }

  connect(ref: NodeRef): void {
    this.connected.add(nodeKey(ref));
    this.listener.opened?.(sessionOf(ref));
  }

  disconnect(ref: NodeRef): void {
    this.connected.delete(nodeKey(ref));
    this.listener.closed?.(sessionOf(ref));
  }

  get texts(): string[] {
    return this.handed.map(({ message }) => Buffer.from(message.payload).toString());
  }

  /** Messages that wait, as the outbox counts them and as they lie in the database. */
  async waiting(): Promise<{ counted: number; stored: number }> {
    const [row] = await this.db.read.query<{ n: unknown }[]>('SELECT count(*) AS n FROM route_messages');
    const counted = this.hub.outbox.lanes.reduce((sum, { count }) => sum + count, 0);
    return { counted, stored: Number(row?.n) };
  }

  private async deliver(route: KnownRoute, lane: Lane, batch: readonly Taken[]): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const { body } of batch) {
      const message = decodeRouted(body);
      const outcome = outcomes.some(({ is }) => is === 'failed')
        ? { is: 'waits' as const }
        : await this.outcome(message, lane);
      if (outcome.is === 'delivered') this.handed.push({ route, lane, message });
      outcomes.push(outcome);
    }
    return outcomes;
  }
}

function sessionOf(ref: NodeRef): Session {
  const said = { serial: '0', agent: '0', openedAt: 0, heardAt: 0, stored: { position: null, hashes: {} } };
  return { ref, ...said, send: () => undefined };
}
