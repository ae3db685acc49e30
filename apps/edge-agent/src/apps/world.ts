import type { ContainerSpec, Purge } from '@selvage/protocol';
import type { Container } from '../docker/index.js';
import type { Origin } from './labels.js';
import type { Exits } from './exits.js';

/** The image that a container is made from, as far as it is known here. */
export type WantedImage =
  /** The tag was not resolved to a digest yet. */
  | { readonly state: 'unresolved' }
  /** It is known which image it is; whether it is here was not looked up, because a container made from it is there. */
  | { readonly state: 'unchecked'; readonly reference: string }
  /** It is known which image it is, but the engine does not have it. */
  | { readonly state: 'absent'; readonly reference: string }
  | { readonly state: 'present'; readonly reference: string; readonly arch: string; readonly os: string };

/** Credentials that an app names for its images. `mark` changes with them and says nothing about them. */
export type PullSecret =
  | { readonly state: 'none' }
  | { readonly state: 'missing'; readonly name: string }
  | { readonly state: 'found'; readonly name: string; readonly mark: string };

/** One wanted container of one app: the place that at most one container fills. */
export interface Slot {
  /** `uid/container`. */
  readonly key: string;
  readonly app: string;
  readonly uid: string;
  readonly revision: number;
  readonly spec: ContainerSpec;
  readonly image: WantedImage;
  readonly secret: PullSecret;
  /** What the container is called and the hash of its spec; absent until the image is known. */
  readonly wanted?: { readonly name: string; readonly hash: string };
}

/** A container of this node on the engine. */
export interface Own extends Container {
  readonly origin: Origin;
  /** How it ended before; absent while it never did. */
  readonly exits?: Exits;
}

/** Volumes to remove because their app was deleted together with them. */
export interface WantedPurge extends Purge {
  readonly volumes: readonly string[];
  readonly done: boolean;
}

/** Everything that a plan is made from. */
export interface World {
  /** Milliseconds of the clock that `Exits.dueAt` counts in. */
  readonly now: number;
  /** What the engine runs: `amd64`, `linux`. */
  readonly arch: string;
  readonly os: string;
  readonly slots: readonly Slot[];
  readonly containers: readonly Own[];
  readonly purges: readonly WantedPurge[];
}

/** Key of the slot that a container belongs to, wanted or not. */
export function slotOf({ uid, container }: Pick<Origin, 'uid' | 'container'>): string {
  return `${uid}/${container}`;
}

/** Whether the container has processes, and so holds its ports. */
export function isUp({ phase }: Pick<Container, 'phase'>): boolean {
  return phase === 'running' || phase === 'paused' || phase === 'restarting';
}

/** Whether it stands still and can be started. */
export function isStill({ phase }: Pick<Container, 'phase'>): boolean {
  return phase === 'created' || phase === 'exited';
}
