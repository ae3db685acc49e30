import { randomBytes, randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { writePrivate } from '@selvage/pki';
import { VERSION } from '@selvage/protocol';
import { systemClock } from '@selvage/reconcile';
import { Certificates } from './certificates/certificates.module.js';
import { CloudModule, hubSchema } from './cloud.module.js';
import type { HubConfig } from './config.js';
import { type Database, databaseLost, FolderLock, MasterKey, openDatabase } from './db/index.js';
import { ErrorFilter, LiveFeed, Metrics, OpenStreams } from './http/index.js';
import { TlsPort } from './link/index.js';
import { type Logger, NestLog } from './log/index.js';
import { Gateway } from './routes/routes.module.js';
import {
  addDocs,
  addGateway,
  addHome,
  addProbes,
  addSecurityHeaders,
  createAdapter,
  measureRequests,
  takeJsonOnly,
} from './server/index.js';
import { Users } from './users/users.module.js';

/** How long answers under way have when the hub stops. */
const LAST_ANSWERS_MS = 3000;

/** Where a hub that is up can be found. */
export interface HubAddresses {
  readonly httpPort: number;
  readonly linkPort: number;
  /** The first administrator's password, when this start made one up, and the file that keeps it. */
  readonly firstPassword?: { readonly password: string; readonly file: string };
}

/** A hub in this process. `stop` works whenever, also after a `start` that failed. */
export interface Hub {
  /** @throws EdgeError `data_folder_in_use`, `key_file_unreadable`, `database_unavailable`, `database_damaged`; and errors of the ports. */
  start(): Promise<HubAddresses>;
  stop(): Promise<void>;
}

/** Puts a hub together; nothing happens before `start`. */
export function createHub(config: HubConfig, log: Logger): Hub {
  return new RunningHub(config, log);
}

class RunningHub implements Hub {
  /** What was started, in order; stopping takes it back from the end. */
  private readonly undo: { readonly what: string; readonly stop: () => Promise<void> }[] = [];
  private up = false;

  constructor(
    private readonly config: HubConfig,
    private readonly log: Logger,
  ) {}

  async start(): Promise<HubAddresses> {
    try {
      return await this.startParts();
    } catch (error) {
      await this.stop();
      throw databaseLost(error) ?? error;
    }
  }

  async stop(): Promise<void> {
    this.up = false;
    for (let part = this.undo.pop(); part !== undefined; part = this.undo.pop()) {
      try {
        await part.stop();
      } catch (error) {
        this.log.error({ err: error, part: part.what }, 'part of the hub did not stop cleanly');
      }
    }
  }

  private async startParts(): Promise<HubAddresses> {
    const { config } = this;
    const lock = new FolderLock(config.data);
    await lock.take();
    this.undo.push({ what: 'data folder', stop: () => lock.release() });
    await rm(this.portsFile, { force: true });
    const database = await this.openDatabase();
    const masterKey = await MasterKey.openFor(database, config.masterKeyFile);
    const app = await this.createApp(database, masterKey);
    const linkPort = await this.listenForNodes(app);
    const { happenings } = app.get(LiveFeed);
    const quiet = (): Promise<void> => {
      happenings.stop();
      return Promise.resolve();
    };
    this.undo.push({ what: 'events', stop: quiet });
    const firstPassword = await this.firstPassword(database, app.get(Users));
    const httpPort = await this.listenForUsers(app);
    await this.writePorts({ http: httpPort, link: linkPort });
    this.up = true;
    this.log.info({ httpPort, linkPort }, 'hub started');
    return { httpPort, linkPort, ...(firstPassword && { firstPassword }) };
  }

  private async openDatabase(): Promise<Database> {
    const { data: folder, databaseUrl: url } = this.config;
    const database = openDatabase({ folder, url }, hubSchema);
    this.undo.push({ what: 'database', stop: () => database.stop() });
    await database.start(randomUUID());
    return database;
  }

  private async createApp(database: Database, masterKey: MasterKey): Promise<NestFastifyApplication> {
    const { config, log } = this;
    const errors = new ErrorFilter(log);
    const module = CloudModule.on({ config, log, database, masterKey });
    const adapter = createAdapter(errors);
    const options = { logger: new NestLog(log), abortOnError: false, bodyParser: false };
    const app = await NestFactory.create<NestFastifyApplication>(module, adapter, options);
    this.undo.push({ what: 'http', stop: () => this.closeApp(app) });
    app.useGlobalFilters(errors);
    await this.addRoutes(app, database, errors);
    await app.init();
    return app;
  }

  private async addRoutes(app: NestFastifyApplication, database: Database, errors: ErrorFilter): Promise<void> {
    const server = app.getHttpAdapter().getInstance();
    const metrics = app.get(Metrics);
    metrics.start();
    takeJsonOnly(server);
    await addSecurityHeaders(server);
    measureRequests(server, metrics);
    const probes = { clock: systemClock, metrics, listening: () => this.up, ready: () => database.ready() };
    addProbes(server, probes);
    await addGateway(server, errors, app.get(Gateway));
    await addDocs(server, VERSION);
    addHome(server);
  }

  private async listenForNodes(app: NestFastifyApplication): Promise<number> {
    const tls = app.get(TlsPort);
    this.undo.push({ what: 'link', stop: () => tls.stop() });
    const port = await tls.start(this.config.link);
    app.get(Certificates).listening(port);
    return port;
  }

  private async listenForUsers(app: NestFastifyApplication): Promise<number> {
    const { host, port } = this.config.http;
    await app.listen(port, host);
    const address = app.getHttpServer().address();
    return typeof address === 'object' && address !== null ? address.port : port;
  }

  /** Makes the first administrator. A password that was made up is on disk before it is in the database, or nobody would know it. */
  private async firstPassword(database: Database, users: Users): Promise<HubAddresses['firstPassword']> {
    const { adminPassword, data } = this.config;
    if (adminPassword !== undefined) {
      await users.createAdmin(adminPassword);
      return undefined;
    }
    const anybody: unknown[] = await database.read.query('SELECT username FROM users LIMIT 1');
    if (anybody.length > 0) return undefined;
    const password = randomBytes(18).toString('base64url');
    const file = join(data, 'admin-password');
    await writePrivate(file, `${password}\n`);
    await users.createAdmin(password);
    return { password, file };
  }

  private get portsFile(): string {
    return join(this.config.data, 'ports.json');
  }

  private async writePorts(ports: { http: number; link: number }): Promise<void> {
    this.undo.push({ what: 'ports.json', stop: () => rm(this.portsFile, { force: true }) });
    await writePrivate(this.portsFile, `${JSON.stringify(ports)}\n`);
  }

  /** Lets answers under way finish for a moment; those that never finish are cut at once. */
  private async closeApp(app: NestFastifyApplication): Promise<void> {
    app.get(OpenStreams).endAll();
    const cancel = systemClock.timer(LAST_ANSWERS_MS, () => {
      app.getHttpServer().closeAllConnections();
    });
    try {
      await app.close();
    } finally {
      cancel();
    }
  }
}
