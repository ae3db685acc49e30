import type { DeviceModelSpec } from '@selvage/protocol';
import { typeInUse } from './devices.rules.js';
import { merged, type OwnSpec, refuseTooMany, removed, retyped } from './merged.rules.js';

/** A device of the model. */
export interface ModelUser {
  readonly id: string;
  readonly name: string;
  readonly spec: OwnSpec;
}

/**
 * What a change of a model takes from each of its devices: the keys of properties that they have no more. Devices that lose none
 * are left out.
 * @throws EdgeError `in_use` when a property that devices have from it would change its type, `bad_request`.
 */
export function effectOf(
  devices: readonly ModelUser[],
  { before, after }: { before: DeviceModelSpec; after: DeviceModelSpec },
): { id: string; keys: string[] }[] {
  const changed = new Map<string, string[]>();
  const withdrawn = devices.map(({ id, name, spec }) => {
    const [then, now] = [merged(spec, before), merged(spec, after)];
    refuseTooMany(name, now);
    for (const key of retyped(then.properties, now.properties)) changed.set(key, [...(changed.get(key) ?? []), name]);
    return { id, keys: removed(then.properties, now.properties) };
  });
  for (const [key, names] of changed) throw typeInUse(key, names);
  return withdrawn.filter(({ keys }) => keys.length > 0);
}
