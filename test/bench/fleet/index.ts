import type { Figure } from '../figure.js';
import { capacity } from './capacity.js';
import { changes } from './changes.js';
import { enrolments } from './enrolments.js';
import { hubMemory } from './hub-memory.js';
import { recovery } from './recovery.js';
import { rollouts } from './rollout.js';
import type { FleetSite } from './site.js';
import { wire } from './wire.js';

export { FleetSite } from './site.js';

/** The figures that need a fleet, in an order in which it only grows at the end. */
export function fleetFigures(site: FleetSite): Figure[] {
  return [
    hubMemory(site),
    recovery(site),
    ...rollouts(site),
    changes(site),
    wire(site),
    enrolments(site),
    capacity(site),
  ];
}
