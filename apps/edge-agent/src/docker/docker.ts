import type { Engine } from '@selvage/protocol';

/** What the engine says about itself. `arch` and `os` as images name them: `amd64`, `linux`. */
export interface EngineInfo extends Required<Pick<Engine, 'version' | 'apiVersion' | 'storageDriver'>> {
  readonly arch: string;
  readonly os: string;
}

export type Labels = Readonly<Record<string, string>>;

/** A port of the node that a running container holds. `hostIp` is empty or `0.0.0.0` or `::` for all addresses. */
export interface PublishedPort {
  readonly hostPort: number;
  readonly protocol: string;
  readonly hostIp: string;
}

/** One line of the engine's list. `ports` are those held now: a stopped container holds none. */
export interface ContainerLine {
  readonly id: string;
  readonly name: string;
  readonly labels: Labels;
  readonly ports: readonly PublishedPort[];
}

export const containerPhases = ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead'] as const;
export type ContainerPhase = (typeof containerPhases)[number];

/** A container as it stands. Times are ISO 8601 texts of the engine; absent for what has not happened. */
export interface Container {
  readonly id: string;
  readonly name: string;
  readonly labels: Labels;
  readonly phase: ContainerPhase;
  /** The image as it was asked for: a pinned reference or an id. */
  readonly image: string;
  /** Seconds that it is given to stop. */
  readonly stopTimeout: number;
  readonly createdAt: string;
  readonly startedAt?: string;
  readonly finishedAt?: string;
  /** Meaningful in phases `exited` and `dead`. */
  readonly exitCode: number;
  readonly outOfMemory: boolean;
  /** Ports of the node that it holds while it runs. */
  readonly ports: readonly PublishedPort[];
}

export interface Image {
  readonly id: string;
  /** `repository@sha256:…` for each registry that is known to have it; none for an image built on this machine. */
  readonly digests: readonly string[];
  readonly arch: string;
  readonly os: string;
}

export interface Volume {
  readonly name: string;
  readonly labels: Labels;
}

export interface Credentials {
  readonly registry: string;
  readonly username: string;
  readonly password: string;
}

/** Body of the engine's "create a container", limited to what the agent uses. */
export interface ContainerRequest {
  readonly Image: string;
  readonly Labels: Labels;
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Env: readonly string[];
  readonly User?: string;
  readonly StopTimeout: number;
  readonly ExposedPorts: Readonly<Record<string, object>>;
  readonly HostConfig: {
    readonly PortBindings: Readonly<Record<string, readonly { readonly HostPort: string; readonly HostIp?: string }[]>>;
    readonly Mounts: readonly {
      readonly Type: 'volume' | 'bind';
      readonly Source: string;
      readonly Target: string;
      readonly ReadOnly: boolean;
    }[];
    readonly NanoCpus?: number;
    readonly Memory?: number;
    readonly MemorySwap?: number;
    readonly PidsLimit: number;
    readonly CapDrop: readonly string[];
    readonly CapAdd: readonly string[];
    readonly SecurityOpt: readonly string[];
    readonly Init: boolean;
    readonly RestartPolicy: { readonly Name: 'no' };
    readonly LogConfig: { readonly Type: string; readonly Config: Readonly<Record<string, string>> };
  };
}

/** `since` is a moment as `seconds.nanoseconds` since 1970; lines of that very moment are included. */
export interface LogQuery {
  readonly follow: boolean;
  readonly tail: number | 'all';
  readonly since?: string;
}

/** A piece of a log record. `at` stands on the first piece of each record only; a record is a line or 16 KiB of one. */
export interface LogPiece {
  readonly stream: 'stdout' | 'stderr';
  readonly at?: string;
  readonly bytes: Uint8Array;
}

/** What happened to a container, in the engine's own word: `die`, `start`, `kill`, `pause`, `destroy` … */
export interface EngineEvent {
  readonly action: string;
  readonly id: string;
}

/**
 * The engine, as far as the agent needs it. Every call ends within a deadline or when its signal is aborted and throws `EdgeError`:
 * `docker_unavailable` when there is no answer, `out_of_disk` wherever the disk is full, otherwise what the verb names, else `docker_error`.
 * Verbs that end a state (`start`, `stop`, `unpause`, `remove`, `removeVolume`) succeed when that state is there already.
 */
export interface Docker {
  info(): Promise<EngineInfo>;
  /** Ends when the engine answers. Gives a mark that changes when another socket takes the place of the one before. */
  ping(): Promise<string>;
  /** Containers in any phase, those with all the labels when some are given. */
  list(labels?: Labels): Promise<ContainerLine[]>;
  inspect(idOrName: string): Promise<Container | undefined>;
  /** Id of the new container. `already_exists`: the name is taken. */
  create(name: string, request: ContainerRequest): Promise<string>;
  /** `port_taken`, `arch_mismatch`, `start_failed`. */
  start(id: string): Promise<void>;
  /** Asks the container to stop and kills it after `graceSeconds`. */
  stop(id: string, graceSeconds: number): Promise<void>;
  unpause(id: string): Promise<void>;
  /** Removes a container, running or not, with its anonymous volumes. */
  remove(id: string): Promise<void>;
  image(reference: string): Promise<Image | undefined>;
  /**
   * Fetches an image; gives the digest that the registry named. `image_pull_failed`, `arch_mismatch`.
   * It may take long, but a pull without progress is given up.
   */
  pull(reference: string, options: { signal: AbortSignal; credentials?: Credentials }): Promise<string | undefined>;
  /** Ends with the log, with `follow` when the container stops, or when the signal is aborted. Reads only as fast as it is read. */
  logs(id: string, query: LogQuery, signal: AbortSignal): AsyncIterable<readonly LogPiece[]>;
  /** Events of containers with these labels from now on: the promise resolves once none can be missed any more. */
  events(labels: Labels, signal: AbortSignal): Promise<AsyncIterable<EngineEvent>>;
  volumes(labels: Labels): Promise<Volume[]>;
  /** The volume of that name, made with these labels if there is none. The labels of an existing one are not changed. */
  createVolume(name: string, labels: Labels): Promise<Volume>;
  /** `in_use`: a container still has it. */
  removeVolume(name: string): Promise<void>;
}
