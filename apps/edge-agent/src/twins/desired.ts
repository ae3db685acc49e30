/** What the hub wants of devices and twins, in the words of this folder. */
import type { DesiredDevice, DesiredTwins, DesiredValue, DeviceAttribute, MsgAttribute } from '@selvage/protocol';
import type { KeySync, Sync } from './cloud.js';
import { syncDevice } from './device-messages.js';
import { type Handled, withOutcomes } from './machine.js';
import type { Binding } from './membership.js';
import type { Moment, TwinNode } from './twin-node.js';

/** A device of section `devices` as a binding, with the expected values that section `twins` has for it. */
export function bindingFrom(device: DesiredDevice, expected: Readonly<Record<string, DesiredValue>> = {}): Binding {
  const { id, name, description, properties, attributes } = device;
  return {
    id,
    name,
    description,
    state: 'unknown',
    attributes: new Map(Object.entries(attributes).map(([key, attribute]) => [key, attributeFrom(attribute)])),
    properties: new Map(Object.entries(properties)),
    twin: syncFrom(expected),
  };
}

/**
 * Brings the expected values of bound devices to what section `twins` wants, by versions, when the bindings are not known. A device
 * that is not bound is left out.
 */
export function syncExpected(node: TwinNode, section: DesiredTwins, moment: Moment): Handled {
  const outcomes = section.devices.flatMap(({ id, expected }) => {
    const device = node.devices.get(id);
    return device ? [[id, syncDevice(device, { eventId: '', sync: syncFrom(expected) }, moment)] as const] : [];
  });
  return withOutcomes(node, outcomes);
}

function syncFrom(expected: Readonly<Record<string, DesiredValue>>): Sync {
  return new Map(Object.entries(expected).map(([key, wanted]) => [key, keySyncFrom(wanted)]));
}

function keySyncFrom({ value, version, type, optional }: DesiredValue): KeySync {
  const isDeleted = value === null;
  return { isDeleted, type, optional, expected: isDeleted ? { version } : { value, version } };
}

function attributeFrom({ value, optional, type }: DeviceAttribute): MsgAttribute {
  return { value, optional, metadata: { type } };
}
