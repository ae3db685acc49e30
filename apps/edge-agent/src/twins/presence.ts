/** What it says of a device that a client with its own certificate comes or goes. */
import { stateOf } from '@selvage/protocol';
import type { BoundDevice } from './twin-node.js';

/**
 * A connected device is online, and offline when it goes. What was said of it by a message meanwhile, by its will for instance, stays
 * until it comes again, unless that was "online": then it is offline all the same.
 */
export function presented(device: BoundDevice, isPresent: boolean, now: number): BoundDevice {
  if (isPresent) return { ...device, isPresent, state: 'online', lastOnlineAt: now };
  return { ...device, isPresent, state: stateOf(device.state) === 'online' ? 'offline' : device.state };
}
