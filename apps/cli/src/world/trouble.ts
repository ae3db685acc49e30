import { type EdgeError, toEdgeError } from '@selvage/protocol';
import { oneLine } from '../output/index.js';
import type { World } from './world.js';

/** Errors that are likely to be over when one tries again. */
const PASSING: readonly EdgeError['code'][] = [
  'hub_unreachable',
  'overloaded',
  'database_unavailable',
  'too_many_requests',
];

/** Whether an error is the world's, and trying again makes sense. */
export function isPassing(thrown: unknown): boolean {
  return PASSING.includes(toEdgeError(thrown).code);
}

/** Tells of trouble with the hub once when it begins and once when it is over. */
export class Trouble {
  #isTold = false;

  constructor(private readonly world: World) {}

  /** @throws whatever was thrown, when trying again makes no sense. */
  async begins(thrown: unknown): Promise<void> {
    if (!isPassing(thrown)) throw thrown;
    if (!this.#isTold) await this.world.err.write(`selvage: ${oneLine(toEdgeError(thrown).message)} Trying again.\n`);
    this.#isTold = true;
  }

  async isOver(): Promise<void> {
    if (this.#isTold) await this.world.err.write('selvage: connected again.\n');
    this.#isTold = false;
  }
}
