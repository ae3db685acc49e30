import { Injectable } from '@nestjs/common';
import {
  EdgeError,
  type EndpointSpec,
  type EndpointStatus,
  type EndpointTest,
  type RouteTarget,
  toEdgeError,
} from '@selvage/protocol';
import { systemClock } from '@selvage/reconcile';
import { HubConfig } from '../config.js';
import { Database } from '../db/index.js';
import { Secrets } from '../secrets/secrets.module.js';
import { EndpointRow } from './endpoints.entity.js';
import { KINDS, type Kind, Reach, type Target } from './kinds/index.js';

const TEST_MS = 15_000;

type State = Omit<EndpointStatus, 'usedBy'>;
const IDLE: State = { state: 'idle', detail: '' };

/** Connections to endpoints: one of each, opened when it is first needed, begun anew when the endpoint or its secret changes. */
@Injectable()
export class Connections {
  private readonly reach: Reach;
  private readonly targets = new Map<string, Promise<Target>>();
  private readonly states = new Map<string, State>();

  constructor(
    private readonly db: Database,
    private readonly secrets: Secrets,
    config: HubConfig,
  ) {
    this.reach = new Reach(config.allowedTargets);
  }

  /** The open endpoint. @throws EdgeError `not_found`. */
  async to(project: string, name: string): Promise<Target> {
    const key = keyOf(project, name);
    const there = this.targets.get(key);
    if (there !== undefined) return there;
    const opening = this.open(project, name);
    this.targets.set(key, opening);
    opening.catch(() => this.targets.delete(key));
    return opening;
  }

  /** The endpoint or its secret changed, or is gone. */
  async forget(project: string, name: string): Promise<void> {
    const key = keyOf(project, name);
    const target = this.targets.get(key);
    this.targets.delete(key);
    this.states.delete(key);
    await (await target?.catch(() => undefined))?.close();
  }

  async stop(): Promise<void> {
    const all = [...this.targets.values()];
    this.targets.clear();
    for (const target of all) await (await target.catch(() => undefined))?.close();
  }

  /** Notes how a delivery went; `detail` absent: well. */
  went(project: string, name: string, detail?: string): void {
    const key = keyOf(project, name);
    const state = detail === undefined ? 'working' : 'failing';
    const before = this.states.get(key);
    if (before?.state === state && before.detail === (detail ?? '')) return;
    const since = before?.state === state && before.since !== undefined ? before.since : now();
    this.states.set(key, { state, detail: detail ?? '', since });
  }

  state(project: string, name: string): State {
    return this.states.get(keyOf(project, name)) ?? IDLE;
  }

  /** @throws EdgeError `bad_request`, `target_refused` for an endpoint that this hub cannot have. */
  check(spec: EndpointSpec): void {
    for (const host of hostsOf(spec)) this.reach.checkHost(host);
  }

  /** What is wrong with a route's target, of whatever kind its endpoint is. */
  problem(spec: EndpointSpec, target: RouteTarget): string | undefined {
    return kindOf(spec).problem?.(spec, target);
  }

  /** Tries it with a connection of its own. */
  async test(project: string, name: string): Promise<EndpointTest> {
    const from = systemClock.monotonic();
    const ended = (outcome: Pick<EndpointTest, 'ok' | 'detail'>): EndpointTest => ({
      ...outcome,
      tookMs: Math.round(systemClock.monotonic() - from),
    });
    const target = await this.open(project, name);
    const stopping = new AbortController();
    const cancel = systemClock.timer(TEST_MS, () => {
      stopping.abort(new EdgeError('deadline_exceeded', `No answer in ${TEST_MS / 1000} s.`));
    });
    try {
      await target.test(stopping.signal);
      return ended({ ok: true, detail: 'It can be reached, and takes the credentials.' });
    } catch (error) {
      const { code, message, detail } = toEdgeError(stopping.signal.aborted ? stopping.signal.reason : error);
      return ended({ ok: false, detail: code === 'internal' ? message : detail });
    } finally {
      cancel();
      await target.close();
    }
  }

  private async open(project: string, name: string): Promise<Target> {
    const row = await this.db.read.findOneBy(EndpointRow, { project, name });
    if (row === null) throw new EdgeError('not_found', `There is no endpoint "${name}" in project "${project}".`);
    const credentials = await this.credentials(row);
    return kindOf(row.spec).open({ spec: row.spec, credentials, reach: this.reach, clock: systemClock });
  }

  private async credentials({ project, secret }: EndpointRow): Promise<Record<string, string>> {
    if (secret === null) return {};
    const spec = (await this.secrets.open(project, [secret])).get(secret);
    if (spec?.type !== 'data') throw new EdgeError('endpoint_failed', `Its secret "${secret}" cannot be read.`);
    return spec.properties;
  }
}

/** The kind whose methods take exactly this spec. */
function kindOf(spec: EndpointSpec): Kind {
  const kind = spec.kind === 'service' ? undefined : (KINDS[spec.kind] as Kind | undefined);
  if (kind === undefined) throw new EdgeError('bad_request', `Nothing is sent to a ${spec.kind} from the hub.`);
  return kind;
}

function hostsOf(spec: EndpointSpec): string[] {
  switch (spec.kind) {
    case 'service':
      return [];
    case 'webhook':
    case 'mqtt':
    case 's3':
      return [new URL(spec.url).hostname];
    case 'kafka':
      return spec.brokers.map(hostOf);
    case 'nats':
      return spec.servers.map(hostOf);
    case 'postgres':
      return [spec.host];
  }
}

function hostOf(hostPort: string): string {
  return hostPort.slice(0, hostPort.lastIndexOf(':'));
}

function keyOf(project: string, name: string): string {
  return `${project}/${name}`;
}

function now(): string {
  return new Date(systemClock.now()).toISOString();
}
