import { type Figure, median, quantile } from '../figure.js';
import { putApp, removeApp } from './apps.js';
import { LABELLED } from './fleet.js';
import { moment } from './machine.js';
import type { FleetSite } from './site.js';

/** Which nodes an app goes to, and how soon. */
interface Reach {
  readonly count: number;
  readonly selector: string;
  readonly targetSeconds: number;
}

export function rollouts(site: FleetSite): Figure[] {
  const some = { count: Math.min(LABELLED, site.nodes), selector: 'bench=some', targetSeconds: 0.25 };
  return [some, { count: site.nodes, selector: 'fleet=all', targetSeconds: 2 }].map((reach) => rollout(site, reach));
}

function rollout(site: FleetSite, { count, selector, targetSeconds }: Reach): Figure {
  return {
    number: 19,
    title: `API call → desired state stored on ${count} nodes, p99 of the nodes`,
    unit: 's',
    target: `≤ ${targetSeconds} s`,
    measure: async ({ pairs, log }) => {
      const { hub, fleet } = await site.with(site.nodes);
      await fleet.connect(site.nodes);
      const ours: number[] = [];
      const answered: number[] = [];
      for (let round = 0; round < Math.max(pairs, 3); round += 1) {
        await fleet.watch(true);
        const [from, cpu] = [moment(), hub.cpu];
        const [app, times] = await hub.profiled(`rollout-${count}-${round}`, async () => {
          const { revision } = await putApp(hub, {
            name: 'rollout',
            placement: { selector },
            version: `${count}-${round}`,
          });
          answered.push((moment() - from) / 1000);
          return [revision, await fleet.onStored(revision, Math.min(count, fleet.size))] as const;
        });
        ours.push((quantile(times, 0.99) - from) / 1000);
        log(
          `revision ${app}: answered ${answered.at(-1)?.toFixed(3) ?? ''}, p50 ${((quantile(times, 0.5) - from) / 1000).toFixed(3)}, p99 ${ours.at(-1)?.toFixed(3) ?? ''}  s; ${(hub.cpu - cpu).toFixed(2)} s of the hub's core`,
        );
      }
      await fleet.watch(false);
      await removeApp(hub, 'rollout');
      const how = `PUT of an app with the selector ${selector} while ${site.nodes} nodes are connected, until the node's store has it (memory here); median of the rounds`;
      const beside = [{ name: 'answer to the PUT', values: answered }];
      return { ours, beside, met: median(ours) <= targetSeconds, how };
    },
  };
}
