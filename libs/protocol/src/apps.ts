import { z } from 'zod';
import { text } from './bounds.js';
import { imageDigest, name, sha256Hex, timestamp } from './ids.js';
import { image } from './images.js';
import { selector } from './labels.js';
import { listQuery, mergePatch, page, resource, write } from './resources.js';

const MIB = 1024 * 1024;
const port = z.int().min(1).max(65_535);
const absolutePath = z
  .string()
  .max(4096)
  .regex(/^\/[^\0]*$/, 'a path starts with /')
  .refine((path) => !path.split('/').includes('..'), 'a path has no ..');

/** Names of environment variables follow POSIX, as every shell and engine expects. */
export const envVariable = z.strictObject({
  name: z.string().regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,254}$/, 'not the name of an environment variable'),
  value: z.string().max(32_768),
});

/** A port of the container published on the node; without `hostIp` on all addresses. */
export const portMapping = z.strictObject({
  containerPort: port,
  hostPort: port,
  protocol: z.enum(['tcp', 'udp']).default('tcp'),
  hostIp: z.union([z.ipv4(), z.ipv6()]).optional(),
});
export type PortMapping = z.infer<typeof portMapping>;

/** Either a named volume, kept by the node, or a path of the host under the node's allow-list. */
export const mount = z.union([
  z.strictObject({ volume: name, path: absolutePath, readOnly: z.boolean().default(false) }),
  z.strictObject({ hostPath: absolutePath, path: absolutePath, readOnly: z.boolean().default(false) }),
]);
export type Mount = z.infer<typeof mount>;

const CPU = 'is a number of cores, 0.01 to 1000';
const MEMORY = 'is a whole number of MiB, 6 to 16777216';
/** `cpu` in cores (0.01 to 1000), `memoryMb` in MiB (at least 6, the engine's minimum). */
export const limits = z.strictObject({
  cpu: z.number(CPU).min(0.01, CPU).max(1000, CPU).optional(),
  memoryMb: z.int(MEMORY).min(6, MEMORY).max(16_777_216, MEMORY).optional(),
});

export const restartPolicy = z.enum(['always', 'on-failure', 'never']);

export const containerSpec = z.strictObject({
  name,
  image,
  /** Replaces the image's entry point. */
  command: z.array(z.string().max(65_536)).max(256).optional(),
  /** Replaces the image's default arguments. */
  args: z.array(z.string().max(65_536)).max(256).optional(),
  env: z.array(envVariable).max(256).default([]),
  ports: z.array(portMapping).max(64).default([]),
  mounts: z.array(mount).max(64).default([]),
  limits: limits.default({}),
  restart: restartPolicy.default('always'),
  /** Seconds between the stop signal and the kill. */
  stopTimeoutSeconds: z.int().min(0).max(600).default(10),
  /** `uid[:gid]` or a name that the image knows. */
  user: z.string().max(64).optional(),
});
export type ContainerSpec = z.infer<typeof containerSpec>;

/** Where an app runs: the named nodes and those whose labels match. */
export const placement = z
  .strictObject({ nodes: z.array(name).max(1000).default([]), selector: selector.optional() })
  .refine((where) => where.nodes.length > 0 || (where.selector ?? '') !== '', 'name nodes or give a selector');
export type Placement = z.infer<typeof placement>;

export const appSpec = z
  .strictObject({
    placement,
    containers: z.array(containerSpec).min(1).max(32),
    /** Secret of type `registry` with the credentials for the images. */
    imagePullSecret: name.optional(),
  })
  .superRefine((app, context) => {
    for (const problem of duplicates(app.containers)) context.addIssue({ code: 'custom', ...problem });
  });
export type AppSpec = z.infer<typeof appSpec>;

function* duplicates(containers: readonly ContainerSpec[]): Generator<{ message: string; path: (string | number)[] }> {
  const names = new Set<string>();
  const ports = new Set<string>();
  for (const [index, container] of containers.entries()) {
    if (names.has(container.name))
      yield { message: 'two containers have this name', path: ['containers', index, 'name'] };
    names.add(container.name);
    for (const [place, { hostPort, protocol }] of container.ports.entries()) {
      const key = `${hostPort}/${protocol}`;
      if (ports.has(key))
        yield { message: `host port ${key} is used twice`, path: ['containers', index, 'ports', place] };
      ports.add(key);
    }
  }
}

// ---- desired: section `apps` of a node's desired state ----

export const desiredApp = z.object({
  name,
  /** Made anew each time an app of this name is created, so that a new app is never taken for the old one. */
  uid: z.string().max(64),
  revision: z.int(),
  containers: z.array(containerSpec),
  imagePullSecret: name.optional(),
});
export type DesiredApp = z.infer<typeof desiredApp>;

/** An app that was deleted together with its volumes: stays desired until the node reports its uid as purged. */
export const purge = z.object({ app: name, uid: z.string().max(64) });
export type Purge = z.infer<typeof purge>;

export const desiredApps = z.object({ apps: z.array(desiredApp), purges: z.array(purge) });
export type DesiredApps = z.infer<typeof desiredApps>;

// ---- reported: section `apps` of a node's reported state ----

/** Most apps of one node that are reported, containers of one app, and deleted apps that the hub may still ask about. */
const MAX_INSTANCES = 4_000;
const MAX_CONTAINERS = 64;
const MAX_PURGED = 10_000;

export const containerState = z.enum([
  'waiting',
  'pulling',
  'starting',
  'running',
  'stopping',
  'backing_off',
  'exited',
  'failed',
]);
export type ContainerState = z.infer<typeof containerState>;

export const containerStatus = z.object({
  name,
  state: containerState,
  /** Error code of the catalogue, when it does not run as wanted. */
  reason: text(64).optional(),
  /** What happened, in words: the registry's or the engine's own answer. */
  message: text(2048).optional(),
  image: text(512),
  digest: imageDigest.optional(),
  containerId: text(64).optional(),
  startedAt: timestamp.optional(),
  exitCode: z.int().optional(),
  restarts: z.int().nonnegative(),
  /** When the next try is due, while backing off. */
  retryAt: timestamp.optional(),
});
export type ContainerStatus = z.infer<typeof containerStatus>;

export const instanceState = z.enum(['progressing', 'running', 'failed', 'completed', 'unknown']);

/** One app on one node. `revision` is the revision of the app that the containers belong to. */
export const instance = z.object({
  app: name,
  uid: text(64),
  revision: z.int(),
  state: instanceState,
  containers: z.array(containerStatus).max(MAX_CONTAINERS),
});
export type Instance = z.infer<typeof instance>;

export const reportedApps = z.object({
  instances: z.array(instance).max(MAX_INSTANCES),
  purged: z.array(text(64)).max(MAX_PURGED),
});
export type ReportedApps = z.infer<typeof reportedApps>;

// ---- API ----

export const appStatus = z.object({
  /** Worst of the instances, or `unknown` while no node has reported. */
  state: instanceState,
  /** Nodes wanted, and nodes on which the newest revision runs. */
  wanted: z.int(),
  running: z.int(),
  instances: z.array(instance.extend({ node: name, reportedAt: timestamp.optional(), nodeState: z.string() })),
});
export type AppStatus = z.infer<typeof appStatus>;

export const app = resource(appSpec, appStatus);
export type App = z.infer<typeof app>;
export const appWrite = write(appSpec);
export const appPage = page(app);
export const appPatch = mergePatch;
export const appList = listQuery.extend({ node: name.optional() });
/** What becomes of named volumes when an app is deleted. */
export const appDelete = z.strictObject({ volumes: z.enum(['keep', 'remove']).default('keep') });

/** Query of a log stream: `tail` lines of history, then live lines when `follow`. */
export const logQuery = z.strictObject({
  node: name,
  container: name.optional(),
  follow: z.stringbool().default(false),
  tail: z.coerce.number().int().min(0).max(100_000).default(1000),
  sinceSeconds: z.coerce.number().int().min(0).optional(),
  timestamps: z.stringbool().default(false),
});
export type LogQuery = z.infer<typeof logQuery>;

/** Largest `apps` section that a node is sent, bytes: what does not fit is refused when it is applied. */
export const MAX_APPS_SECTION = 4 * MIB;
export const specHash = sha256Hex;
