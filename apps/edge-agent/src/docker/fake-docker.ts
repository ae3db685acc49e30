import { EdgeError } from '@selvage/protocol';
import type * as port from './docker.js';
import { boundPorts, type FakeContainer, isUp } from './fake-containers.js';
import { FakeEvents } from './fake-events.js';
import { FakeImages } from './fake-images.js';

/** An engine in memory for tests: passes the same contract as the real one, and can be broken in every way that one can. */
export class FakeDocker implements port.Docker {
  readonly images = new FakeImages();
  readonly containers = new Map<string, FakeContainer>();
  readonly volumeLabels = new Map<string, port.Labels>();
  /** Ports that processes of the host hold, `8080/tcp`. */
  readonly hostPorts = new Set<string>();
  /** What was asked, one line a call that changes something: `start web-1`. */
  readonly calls: string[] = [];
  #events = new FakeEvents();
  readonly #now: () => number;
  readonly #failures = new Map<string, EdgeError[]>();
  #answers = true;
  #door = 1;
  #callsLeft = Infinity;
  #made = 0;
  #moments = 0;

  constructor(now: () => number = () => 0) {
    this.#now = now;
  }

  /** The engine stops answering; containers are left as they are. */
  down(): void {
    this.#answers = false;
    this.#events.end();
  }

  /** The engine stops answering and leaves its streams open. */
  hang(): void {
    this.#answers = false;
  }

  /** The call after `calls` more that change something never ends, as if the agent had been killed; so do all after it. */
  freezeAfter(calls: number): void {
    this.#callsLeft = calls;
  }

  /** Calls made from now on end again. */
  thaw(): void {
    this.#callsLeft = Infinity;
  }

  up(): void {
    this.#answers = true;
  }

  /** Another engine without containers takes its place; who listens to this one hears nothing more. */
  replace(): void {
    this.#events = new FakeEvents();
    this.#door += 1;
    this.containers.clear();
  }

  /** The next call of this verb throws the error. */
  failNext(verb: 'create' | 'start' | 'stop' | 'remove' | 'pull' | 'removeVolume', error: EdgeError): void {
    this.#failures.set(verb, [...(this.#failures.get(verb) ?? []), error]);
  }

  /** The container's process ends by itself. */
  exit(id: string, exitCode: number): void {
    this.#end(this.#get(id), exitCode);
  }

  /** Somebody kills the container by hand. */
  kill(id: string): void {
    this.#events.emit({ action: 'kill', id });
    this.#end(this.#get(id), 137);
  }

  /** Somebody removes the container by hand. */
  discard(id: string): void {
    if (!this.containers.has(id)) return;
    this.#events.emit({ action: 'destroy', id });
    this.containers.delete(id);
  }

  pause(id: string): void {
    this.#get(id).phase = 'paused';
    this.#events.emit({ action: 'pause', id });
  }

  async info(): Promise<port.EngineInfo> {
    await this.ping();
    return { version: '20.10.24', apiVersion: '1.41', storageDriver: 'overlay2', arch: 'amd64', os: 'linux' };
  }

  ping(): Promise<string> {
    if (this.#answers) return Promise.resolve(`door ${this.#door}`);
    const detail = 'The Docker engine gave no answer to "info": nothing listens on its socket.';
    return Promise.reject(new EdgeError('docker_unavailable', detail));
  }

  async list(labels: port.Labels = {}): Promise<port.ContainerLine[]> {
    await this.ping();
    const found = [...this.containers.values()].filter(({ request }) => matches(request.Labels, labels));
    return found.map((one) => ({
      id: one.id,
      name: one.name,
      labels: one.request.Labels,
      ports: isUp(one.phase) ? boundPorts(one.request) : [],
    }));
  }

  async inspect(idOrName: string): Promise<port.Container | undefined> {
    await this.ping();
    const one = this.containers.get(idOrName) ?? this.#named(idOrName);
    if (one === undefined) return undefined;
    return {
      id: one.id,
      name: one.name,
      labels: one.request.Labels,
      phase: one.phase,
      image: one.request.Image,
      stopTimeout: one.request.StopTimeout,
      createdAt: one.createdAt,
      ...(one.startedAt !== undefined && { startedAt: one.startedAt }),
      ...(one.finishedAt !== undefined && { finishedAt: one.finishedAt }),
      exitCode: one.exitCode,
      outOfMemory: false,
      ports: boundPorts(one.request),
    };
  }

  async create(name: string, request: port.ContainerRequest): Promise<string> {
    await this.#enter('create', name);
    if (this.#named(name)) throw new EdgeError('already_exists', `The container name "/${name}" is already in use.`);
    if (!this.images.find(request.Image)) throw new EdgeError('docker_error', `No such image: ${request.Image}`);
    this.#made += 1;
    const id = this.#made.toString(16).padStart(64, '0');
    const createdAt = this.#moment();
    this.containers.set(id, { id, name, request, createdAt, log: [], phase: 'created', exitCode: 0 });
    return id;
  }

  async start(id: string): Promise<void> {
    const one = this.#get(id);
    await this.#enter('start', one.name);
    if (isUp(one.phase)) return;
    this.#requirePorts(one);
    one.phase = 'running';
    one.startedAt = this.#moment();
    this.#events.emit({ action: 'start', id });
  }

  async stop(id: string, graceSeconds: number): Promise<void> {
    const one = this.containers.get(id);
    await this.#enter('stop', `${one?.name ?? id} ${graceSeconds}`);
    if (one === undefined || !isUp(one.phase)) return;
    this.#events.emit({ action: 'kill', id });
    this.#end(one, 0);
  }

  async unpause(id: string): Promise<void> {
    const one = this.#get(id);
    await this.#enter('unpause', one.name);
    if (one.phase === 'paused') one.phase = 'running';
  }

  async remove(id: string): Promise<void> {
    await this.#enter('remove', this.containers.get(id)?.name ?? id);
    this.discard(id);
  }

  async image(reference: string): Promise<port.Image | undefined> {
    await this.ping();
    return this.images.find(reference);
  }

  async pull(
    reference: string,
    { signal, credentials }: { signal: AbortSignal; credentials?: port.Credentials },
  ): Promise<string | undefined> {
    await this.#enter('pull', reference);
    return this.images.pull(reference, { signal, ...(credentials && { credentials }) });
  }

  /** Appends to a container's log. */
  say(id: string, line: string): void {
    this.#get(id).log.push({ at: this.#moment(), line });
    this.#events.nudge();
  }

  async *logs(
    id: string,
    { follow, tail, since = '0' }: port.LogQuery,
    signal: AbortSignal,
  ): AsyncIterable<readonly port.LogPiece[]> {
    await this.ping();
    const one = this.#get(id);
    let next = tail === 'all' ? 0 : Math.max(0, one.log.length - tail);
    const up = (): boolean => follow && !signal.aborted && this.containers.has(id) && isUp(one.phase);
    do {
      const records = one.log.slice(next).filter(({ at }) => Date.parse(at) / 1000 >= Math.floor(Number(since)));
      next = one.log.length;
      yield records.map(({ at, line }) => ({ stream: 'stdout', at, bytes: Buffer.from(`${line}\n`) }));
      if (up()) await this.#events.something(signal);
    } while (up() || next < one.log.length);
  }

  async events(labels: port.Labels, signal: AbortSignal): Promise<AsyncIterable<port.EngineEvent>> {
    await this.ping();
    return this.#events.open(signal, ({ id }) => matches(this.containers.get(id)?.request.Labels ?? labels, labels));
  }

  async volumes(labels: port.Labels): Promise<port.Volume[]> {
    await this.ping();
    const all = [...this.volumeLabels].map(([name, own]) => ({ name, labels: own }));
    return all.filter((volume) => matches(volume.labels, labels));
  }

  async createVolume(name: string, labels: port.Labels): Promise<port.Volume> {
    await this.#enter('createVolume', name);
    const own = this.volumeLabels.get(name) ?? labels;
    this.volumeLabels.set(name, own);
    return { name, labels: own };
  }

  async removeVolume(name: string): Promise<void> {
    await this.#enter('removeVolume', name);
    const users = [...this.containers.values()].filter(({ request }) =>
      request.HostConfig.Mounts.some(({ Type, Source }) => Type === 'volume' && Source === name),
    );
    if (users.length > 0) throw new EdgeError('in_use', `${name}: volume is in use - [${users[0]?.id ?? ''}]`);
    this.volumeLabels.delete(name);
  }

  async #enter(verb: string, about: string): Promise<void> {
    await this.ping();
    this.#callsLeft -= 1;
    if (this.#callsLeft < 0) await new Promise(() => undefined);
    this.calls.push(`${verb} ${about}`);
    const failure = this.#failures.get(verb)?.shift();
    if (failure) throw failure;
  }

  #requirePorts(one: FakeContainer): void {
    const held = new Set(this.hostPorts);
    for (const other of this.containers.values())
      if (isUp(other.phase))
        for (const { hostPort, protocol } of boundPorts(other.request)) held.add(`${hostPort}/${protocol}`);
    for (const { hostPort, protocol } of boundPorts(one.request))
      if (held.has(`${hostPort}/${protocol}`))
        throw new EdgeError('port_taken', `Bind for 0.0.0.0:${hostPort} failed: port is already allocated`);
  }

  #end(one: FakeContainer, exitCode: number): void {
    one.phase = 'exited';
    one.exitCode = exitCode;
    one.finishedAt = this.#moment();
    this.#events.emit({ action: 'die', id: one.id });
  }

  #get(id: string): FakeContainer {
    const one = this.containers.get(id);
    if (one === undefined) throw new EdgeError('docker_error', `No such container: ${id}`);
    return one;
  }

  #named(name: string): FakeContainer | undefined {
    return [...this.containers.values()].find((one) => one.name === name);
  }

  /** With nanoseconds, as the engine writes it, so that no two moments are the same. */
  #moment(): string {
    this.#moments += 1;
    const nanos = String(this.#moments % 1_000_000).padStart(6, '0');
    return new Date(this.#now()).toISOString().replace('Z', `${nanos}Z`);
  }
}

function matches(own: port.Labels, wanted: port.Labels): boolean {
  return Object.entries(wanted).every(([key, value]) => own[key] === value);
}
