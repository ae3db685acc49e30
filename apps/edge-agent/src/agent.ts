import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { EdgeError, nodeKey, VERSION } from '@selvage/protocol';
import { type Clock, systemClock, withDeadline } from '@selvage/reconcile';
import type { Outbox } from '@selvage/outbox';
import type { Logger } from 'pino';
import { type Apps, createApps, type Owner, ownerLabels } from './apps/index.js';
import { type Broker, createBroker } from './broker/index.js';
import { type Certificates, createCertificates, IdentityFile, type NodeIdentity } from './certificates/index.js';
import type { AgentConfig } from './config.js';
import { type Docker, DockerodeDocker, EngineWatcher } from './docker/index.js';
import { Facts, ownNames } from './host/index.js';
import { answerBroker } from './answers.js';
import { CallRegistry, Link, MessageLink } from './link/index.js';
import { type AgentStatus, LocalApi } from './local-api/index.js';
import { createRoutes, RouteRules, type Routes } from './routes/index.js';
import { Journal, ReportedStore, Store, tryWrite } from './state/index.js';
import { ownStatus } from './own-status.js';
import { createTwins, type Twins } from './twins/index.js';
import { createLocalOutbox, createOutbox, twinEvents } from './upstream.js';

/** A disk that takes longer is as good as none. */
const STORING = { ms: 5_000, what: 'Writing to the disk' };

export interface AgentOptions {
  readonly config: AgentConfig;
  readonly log: Logger;
  readonly clock?: Clock;
  /** The engine behind the configured socket unless given. */
  readonly docker?: Docker;
}

/** A part with a life of its own. */
interface Part {
  start(): void | Promise<void>;
  stop(): void | Promise<void>;
}

/** Everything that runs once it is known who this node is. */
interface Parts {
  readonly outbox: Outbox;
  readonly local: Outbox;
  readonly journal: Journal;
  readonly routes: Routes;
  readonly twins: Twins;
  readonly broker: Broker;
  readonly engine: EngineWatcher;
  readonly apps: Apps;
  readonly facts: Facts;
  readonly certificates: Certificates;
  readonly link: Link;
  readonly api: LocalApi;
}

/** The agent of one node. It works from its own database: neither the hub nor the engine needs to be there. */
export class Agent {
  readonly #options: Required<AgentOptions>;
  readonly #store: Store;
  readonly #identity: IdentityFile;
  readonly #reported = new ReportedStore();
  readonly #startedAt: string;
  #started: Part[] = [];

  constructor(options: AgentOptions) {
    const { config, log, clock = systemClock } = options;
    const docker = options.docker ?? new DockerodeDocker({ socketPath: config.dockerSocket });
    this.#options = { config, log, clock, docker };
    this.#store = new Store({ folder: config.data, clock, log });
    this.#identity = new IdentityFile(config.data);
    this.#startedAt = new Date(clock.now()).toISOString();
  }

  /**
   * Starts everything; `stop` is to be called even when it fails.
   * @throws EdgeError `config_invalid` when this machine has not joined a hub, `data_folder_in_use`, `key_file_unreadable`.
   */
  async start(): Promise<void> {
    await this.#run(this.#store);
    const identity = await this.#identity.load();
    if (identity === undefined) throw notJoined(this.#options.config.data);
    this.#identity.check();
    const owner: Owner = { hub: identity.hub, project: identity.project, node: identity.node };
    await this.#store.claim(`${owner.hub}/${nodeKey(owner)}`);
    const parts = this.#build(identity, owner);
    const { outbox, local, journal, routes, twins, broker, engine, apps, facts, certificates, link, api } = parts;
    // Whoever takes messages is there before the broker lets clients in, and whoever publishes them when it does.
    for (const part of [outbox, local, journal, routes, twins, broker, routes.deliveries]) await this.#run(part);
    for (const part of [engine, apps, facts, certificates, link, api]) await this.#run(part);
    twins.poke();
    this.#options.log.info({ node: nodeKey(owner), version: VERSION }, 'agent started');
  }

  /** Ends what is under way, last part first; containers go on. */
  async stop(): Promise<void> {
    const started = this.#started.reverse();
    this.#started = [];
    for (const part of started) {
      try {
        await part.stop();
      } catch (error) {
        this.#options.log.error({ err: error }, 'a part of the agent did not stop cleanly');
      }
    }
  }

  async #run(part: Part): Promise<void> {
    this.#started.push(part);
    await part.start();
  }

  #build(identity: NodeIdentity, node: Owner): Parts {
    const { config, log, clock, docker } = this.#options;
    const { desired, pins, meta } = this.#store;
    const { data: folder, mountAllowList } = config;
    const reported = this.#reported;
    const calls = new CallRegistry();
    const engine = new EngineWatcher({ docker, labels: ownerLabels(node), clock, log });
    const protectedPaths = [config.dockerSocket, folder];
    const apps = createApps({
      ...{ docker, engine, desired, reported, pins, meta, calls, clock, log, node, mountAllowList, protectedPaths },
    });
    const facts = new Facts({ engine, reported, clock, log, folder, mountAllowList, agentVersion: VERSION });
    const rules = new RouteRules(desired);
    const outbox = createOutbox({ folder, clock, log, rules: rules.toHub });
    const local = createLocalOutbox({ folder, clock, log, rules: rules.local });
    const link = this.#link(identity.hubUrl, calls, outbox);
    const journal = new Journal({ path: join(folder, 'broker.db'), clock, log });
    const broker = this.#broker(node, journal);
    const routes = this.#routes(node, { calls, broker, journal, outbox, local });
    const twins = this.#twins(node, { broker, journal, outbox });
    answerBroker(calls, broker);
    const renewed = (): void => {
      link.redial();
      broker.renewed();
    };
    const certificates = createCertificates({ identity: this.#identity, meta, clock, log, hosts: ownNames, renewed });
    const status = (): AgentStatus =>
      ownStatus({
        ...{ broker, engine, link, certificates, routes, desired, reported, startedAt: this.#startedAt },
        identity: this.#identity.held,
      });
    const store = (): Promise<void> => withDeadline({ clock, ...STORING }, () => tryWrite(folder));
    const api = new LocalApi({ port: config.apiPort, folder, log, status, store });
    return { outbox, local, journal, routes, twins, broker, engine, apps, facts, certificates, link, api };
  }

  #broker(node: Owner, records: Journal): Broker {
    const { config, clock, log } = this.#options;
    return createBroker({
      ...{ node, records, clock, log, desired: this.#store.desired },
      credentials: () => this.#identity.held,
      owner: { plain: config.mqttPlain, ports: config.mqttPorts },
    });
  }

  #twins(node: Owner, { broker, journal, outbox }: Pick<Parts, 'broker' | 'journal' | 'outbox'>): Twins {
    const { clock, log } = this.#options;
    const { bus, presence } = broker;
    return createTwins({
      ...{ bus, presence, journal, clock, log, node, desired: this.#store.desired, reported: this.#reported },
      publish: (message) => broker.publish(message),
      events: twinEvents(outbox),
      newId: randomUUID,
    });
  }

  #routes(
    node: Owner,
    {
      calls,
      broker,
      journal,
      outbox: hub,
      local,
    }: Pick<Parts, 'broker' | 'journal' | 'outbox' | 'local'> & {
      calls: CallRegistry;
    },
  ): Routes {
    const { clock, log } = this.#options;
    return createRoutes({
      ...{ bus: broker.bus, calls, hub, local, journal, clock, log, node },
      ...{ desired: this.#store.desired, reported: this.#reported, newId: randomUUID },
      publish: (message) => broker.publish(message),
    });
  }

  #link(hubUrl: string, calls: CallRegistry, outbox: Outbox): Link {
    const { clock, log } = this.#options;
    return new Link({
      hubUrl,
      identity: () => this.#identity.held,
      agentVersion: VERSION,
      boot: randomUUID(),
      desired: this.#store.desired,
      reported: this.#reported,
      messages: new MessageLink({ outbox, clock }),
      calls,
      clock,
      log,
    });
  }
}

function notJoined(folder: string): EdgeError {
  return new EdgeError(
    'config_invalid',
    `${folder} knows of no hub: run "selvage-agent join --hub URL --token TOKEN" first; the hub makes the token.`,
  );
}
