import { type Figure, median } from '../figure.js';
import { cryptoSpeed } from './machine.js';
import type { FleetSite } from './site.js';

const TARGET = 500;
const BATCH = 1000;

export function enrolments(site: FleetSite): Figure {
  return {
    number: 23,
    title: 'enrolments per second',
    unit: '/s',
    target: `≥ ${TARGET}/s`,
    measure: async ({ pairs }) => {
      const batch = Math.min(BATCH, site.nodes);
      const ours: number[] = [];
      const signs: number[] = [];
      const { hub, fleet } = await site.with(Math.min(site.nodes, 1));
      await fleet.connect(0);
      for (let pair = 0; pair < pairs; pair += 1) {
        signs.push(cryptoSpeed().signs);
        ours.push(batch / (await hub.profiled(`enrol-${pair}`, () => fleet.enrol(fleet.size + batch))));
      }
      const how = `POST /join of ${batch} nodes, 64 at once, a full TLS handshake each, until the certificate is at the client and committed at the hub; tokens, keys and requests were made before`;
      const beside = [{ name: 'openssl signatures', values: signs }];
      return { ours, beside, met: median(ours) >= TARGET, how };
    },
  };
}
