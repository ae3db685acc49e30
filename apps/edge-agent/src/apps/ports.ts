import type { PublishedPort } from '../docker/index.js';
import { isUp, type Own, type Slot, slotOf } from './world.js';

interface Place {
  readonly slot: Slot;
  readonly keep: Own | undefined;
  readonly others: readonly Own[];
}

/** Containers of other slots that run and hold a port which this one needs. */
export function blockers(container: Own, all: readonly Own[]): Own[] {
  const slot = slotOf(container.origin);
  return all.filter((one) => isUp(one) && slotOf(one.origin) !== slot && sharesPort(one.ports, container.ports));
}

/**
 * Ids of the running containers that will go: those whose slot is gone, and those whose successor stands ready. A predecessor stays
 * up while a container that stays holds the successor's port: stopping it would not help anybody.
 */
export function leaving(all: readonly Own[], places: readonly Place[]): Set<string> {
  const wanted = new Set(places.map(({ slot }) => slot.key));
  const going = new Set(all.filter(({ origin }) => !wanted.has(slotOf(origin))).map(({ id }) => id));
  let replaced = places.filter(({ keep }) => keep !== undefined);
  for (const { others } of replaced) for (const { id } of others) going.add(id);
  for (;;) {
    const held = replaced.filter(
      ({ keep }) => keep && !isUp(keep) && blockers(keep, all).some(({ id }) => !going.has(id)),
    );
    if (held.length === 0) return going;
    for (const { others } of held) for (const { id } of others) going.delete(id);
    replaced = replaced.filter((place) => !held.includes(place));
  }
}

function sharesPort(held: readonly PublishedPort[], needed: readonly PublishedPort[]): boolean {
  return held.some((a) =>
    needed.some((b) => a.hostPort === b.hostPort && a.protocol === b.protocol && addressesMeet(a.hostIp, b.hostIp)),
  );
}

function addressesMeet(a: string, b: string): boolean {
  return isAny(a) || isAny(b) || a === b;
}

function isAny(address: string): boolean {
  return address === '' || address === '0.0.0.0' || address === '::';
}
