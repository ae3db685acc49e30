import { createHash } from 'node:crypto';
import { type ContainerSpec, type DesiredApp, imageParts } from '@selvage/protocol';
import type { Image } from '../docker/index.js';
import type { Owner } from './labels.js';
import { specText } from './spec.js';
import type { PullSecret, Slot, WantedImage } from './world.js';

/** The image that a tag was resolved to: `repository@sha256:…`, or an id for an image that only this machine has. */
export interface Pin {
  /** The image as the app names it; the pin counts only while this is the same. */
  readonly image: string;
  readonly digest: string;
}

export interface Known {
  readonly owner: Owner;
  /** By key of the slot. */
  readonly pin: (slot: string) => Pin | undefined;
  readonly secret: (name: string) => PullSecret;
  /** What the engine was asked for, by reference; `undefined` for what it does not have. */
  readonly images: ReadonlyMap<string, Image | undefined>;
}

/** The places that the wanted apps want filled. */
export function slotsOf(apps: readonly DesiredApp[], known: Known): Slot[] {
  return apps.flatMap((app) => app.containers.map((spec) => slotOf(app, spec, known)));
}

function slotOf({ name: app, uid, revision, imagePullSecret }: DesiredApp, spec: ContainerSpec, known: Known): Slot {
  const key = `${uid}/${spec.name}`;
  const reference = pinnedReference(spec.image, known.pin(key));
  const secret = imagePullSecret === undefined ? ({ state: 'none' } as const) : known.secret(imagePullSecret);
  const slot = { key, app, uid, revision, spec, secret };
  if (reference === undefined) return { ...slot, image: { state: 'unresolved' } };
  const hash = sha256(specText(spec, reference));
  const name = containerName(known.owner, { app, container: spec.name, identity: `${key} ${hash}` });
  return { ...slot, image: wantedImage(reference, known.images), wanted: { name, hash } };
}

/** What the engine is asked for: the digest that the app names itself or that its tag was resolved to before. */
function pinnedReference(image: string, pin: Pin | undefined): string | undefined {
  const parts = imageParts(image);
  if (parts?.digest !== undefined) return `${parts.repository}@${parts.digest}`;
  return pin?.image === image ? pin.digest : undefined;
}

function wantedImage(reference: string, images: Known['images']): WantedImage {
  if (!images.has(reference)) return { state: 'unchecked', reference };
  const image = images.get(reference);
  if (image === undefined) return { state: 'absent', reference };
  return { state: 'present', reference, arch: image.arch, os: image.os };
}

/** The digits at the end differ with the spec, and with the node, so that several agents can share an engine. */
function containerName(
  owner: Owner,
  { app, container, identity }: Record<'app' | 'container' | 'identity', string>,
): string {
  const digits = sha256(`${owner.hub} ${owner.project} ${owner.node} ${identity}`).slice(0, 8);
  return `selvage-${owner.node}-${app}-${container}-${digits}`;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
