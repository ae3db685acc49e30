import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import {
  appSpec,
  type AppSpec,
  EdgeError,
  type Labels,
  nodeKey,
  type NodeRef,
  type NodeState,
} from '@selvage/protocol';
import { type TempDir, tempDir } from '@selvage/testkit';
import { pino } from 'pino';
import { type Database, MasterKey, openDatabase, Settings, Settings1700000000000 } from '../db/index.js';
import { LiveFeed } from '../http/index.js';
import { Secrets, secretsSchema } from '../secrets/secrets.module.js';
import { AppWrites } from './app-writes.service.js';
import { AppsDesired, NodeApps, SecretsDesired } from './apps.desired.js';
import { AppRow, InstanceRow, PurgeRow } from './apps.entity.js';
import { AppsLink } from './apps.link.js';
import { Apps1700000007000 } from './apps.migration.js';
import { Apps } from './apps.service.js';
import { AppChecks } from './checks.service.js';
import { NodeLabels } from './node-labels.service.js';
import { PlacedApps } from './placed-apps.service.js';
import { Purges } from './purges.service.js';
import { AppSignals } from './signals.service.js';
import { AppViews } from './views.service.js';

interface TestNode {
  readonly name: string;
  readonly labels: Labels;
  readonly allowed?: string[];
  readonly state?: NodeState;
}

/** The nodes of every project, without a table. */
export class FakeNodes {
  all: TestNode[] = [];

  exist(_project: string, names: readonly string[]): Promise<Set<string>> {
    return Promise.resolve(new Set(this.some(names).map(({ name }) => name)));
  }
  namesAndLabels(): Promise<{ name: string; labels: Labels }[]> {
    return Promise.resolve(this.all);
  }
  statesOf(_project: string, names: readonly string[]): Promise<Map<string, NodeState>> {
    return Promise.resolve(new Map(this.some(names).map(({ name, state = 'ready' }) => [name, state])));
  }
  mountHosts(_project: string, names: readonly string[]): Promise<{ node: string; allowed: string[] | undefined }[]> {
    return Promise.resolve(this.some(names).map(({ name, allowed }) => ({ node: name, allowed })));
  }
  get(_project: string, name: string): Promise<TestNode> {
    const [found] = this.some([name]);
    return found ? Promise.resolve(found) : Promise.reject(new EdgeError('not_found', name));
  }
  private some(names: readonly string[]): TestNode[] {
    return this.all.filter(({ name }) => names.includes(name));
  }
}

/** The slice on a real database, with what it tells others written down. */
export class AppsStage {
  readonly nodes = new FakeNodes();
  readonly poked: string[] = [];
  readonly changed: string[] = [];
  readonly feed = new LiveFeed();
  readonly labels: NodeLabels;
  readonly secrets: Secrets;
  readonly apps: Apps;
  readonly writes: AppWrites;
  readonly desiredApps: AppsDesired;
  readonly desiredSecrets: SecretsDesired;
  readonly link: AppsLink;

  private constructor(
    private readonly folder: TempDir,
    readonly db: Database,
    masterKey: MasterKey,
  ) {
    const poke = (nodes: Iterable<NodeRef>): void => void this.poked.push(...[...nodes].map(nodeKey));
    const desired = { poke };
    const { nodes } = this;
    this.feed.subscribe(({ noun, name }) => this.changed.push(`${noun} ${name}`));
    this.secrets = new Secrets(db, masterKey, this.feed, pino({ level: 'silent' }), desired);
    const placed = new PlacedApps(db);
    this.labels = new NodeLabels(nodes);
    const purges = new Purges(db, nodes, this.labels);
    const views = new AppViews(db, nodes, this.labels);
    const signals = new AppSignals(placed, this.labels, desired, this.feed);
    this.apps = new Apps(db, nodes, views, signals);
    this.writes = new AppWrites(db, new AppChecks(nodes, this.secrets, placed), views, purges, signals);
    const nodeApps = new NodeApps(this.labels, placed);
    this.desiredApps = new AppsDesired(nodeApps, purges);
    this.desiredSecrets = new SecretsDesired(nodeApps, this.secrets);
    this.link = new AppsLink(db, nodes, purges, desired, this.feed);
    this.secrets.usedBy((project, names, from) => this.apps.usersOf(project, names, from));
    this.secrets.onChanged((project, name) => this.apps.secretChanged(project, name));
  }

  static async open(url?: string): Promise<AppsStage> {
    const folder = tempDir();
    const db = openDatabase(
      { folder: folder.path, url },
      {
        entities: [Settings, AppRow, InstanceRow, PurgeRow, ...secretsSchema.entities],
        migrations: [Settings1700000000000, Apps1700000007000, ...secretsSchema.migrations],
      },
    );
    await db.start(randomBytes(8).toString('hex'));
    return new AppsStage(folder, db, await MasterKey.open(join(folder.path, 'key')));
  }

  /** Forgets what was told so far. */
  quiet(): void {
    this.poked.length = 0;
    this.changed.length = 0;
  }

  async close(): Promise<void> {
    await this.db.stop();
    this.folder.remove();
  }
}

/** A spec as the API would parse it, with one container that differs in this. */
export function specOn(placement: object, container: object = {}, more: object = {}): AppSpec {
  const containers = [{ name: 'c', image: 'nginx:1', ...container }];
  return appSpec.parse({ placement, containers, ...more });
}
