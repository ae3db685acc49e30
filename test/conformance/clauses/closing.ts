import type { Clause } from '../clause.js';
import type { Scene } from '../scene.js';

/** A clause by which these bytes end the connection of a client that is connected. */
export function closing(clause: string, title: string, bytes: Buffer | ((scene: Scene) => Buffer)): Clause {
  return {
    clause,
    title: `${title} closes the connection`,
    async run(scene) {
      await (await scene.client('a')).isClosedBy(typeof bytes === 'function' ? bytes(scene) : bytes);
    },
  };
}
