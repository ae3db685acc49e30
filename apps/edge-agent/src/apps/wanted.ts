import { createHash } from 'node:crypto';
import {
  type DesiredApp,
  desiredApps,
  desiredSecrets,
  type Position,
  type Purge,
  type SecretSpec,
} from '@selvage/protocol';
import type { z } from 'zod';
import type { Credentials } from '../docker/index.js';
import type { Pin } from './slots.js';
import type { PullSecret } from './world.js';

/** What is asked of the store of desired state. */
export interface DesiredSource {
  /** Absent until the hub sent a first desired state. */
  readonly position: Position | null;
  read<T>(section: string, schema: z.ZodType<T>): T | undefined;
  onChange(section: string, listener: () => void): void;
}

/** What is asked of the store of pins, by key of the slot. */
export interface PinStore {
  get(key: string): Pin | undefined;
  set(key: string, pin: Pin): void | Promise<void>;
  delete(key: string): void | Promise<void>;
  all(): ReadonlyMap<string, Pin>;
}

/** What the hub wants of this node's apps. */
export interface Wanted {
  readonly apps: readonly DesiredApp[];
  readonly purges: readonly Purge[];
  readonly secrets: ReadonlyMap<string, SecretSpec>;
}

/** Nothing at all before the hub has said which apps there are, if only that there are none: then nothing is touched. */
export function readWanted(desired: DesiredSource): Wanted | undefined {
  if (desired.position === null) return undefined;
  const wanted = desired.read('apps', desiredApps);
  if (wanted === undefined) return undefined;
  const { apps, purges } = wanted;
  const { secrets } = desired.read('secrets', desiredSecrets) ?? { secrets: [] };
  return { apps, purges, secrets: new Map(secrets.map(({ name, spec }) => [name, spec])) };
}

/** What a plan may know of a secret. */
export function pullSecret({ secrets }: Wanted, name: string): PullSecret {
  const spec = secrets.get(name);
  if (spec === undefined) return { state: 'missing', name };
  return { state: 'found', name, mark: createHash('sha256').update(JSON.stringify(spec)).digest('hex').slice(0, 12) };
}

/** The credentials of a secret for a registry, and for no other: they are not shown to a registry that they do not belong to. */
export function credentialsFor(spec: SecretSpec | undefined, registry: string): Credentials | undefined {
  if (spec?.type !== 'registry' || host(spec.registry) !== host(registry)) return undefined;
  return { registry: spec.registry, username: spec.username, password: spec.password };
}

/** Docker Hub goes by several names. */
function host(registry: string): string {
  return /^((index|registry-1)\.)?docker\.io$/.test(registry) ? 'docker.io' : registry.toLowerCase();
}
