/** `npm run bench [-- NUMBER …] [--pairs N]`: measures figures of the scoreboard and prints them as a Markdown table. */
import { agentIdle, agentMemory, agentStart } from './agent.js';
import { deployTime } from './deploy.js';
import { type Figure, HEADER, row } from './figure.js';
import { fleetFigures, FleetSite } from './fleet/index.js';
import { mqttFigures } from './mqtt/index.js';

const given = process.argv.slice(2);
const pairsAt = given.indexOf('--pairs');
const pairs = pairsAt === -1 ? 5 : Number(given[pairsAt + 1]);
const numbers = given.filter((text, index) => /^\d+$/.test(text) && given[index - 1] !== '--pairs').map(Number);
const log = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

const site = new FleetSite(log);
const figures: readonly Figure[] = [
  agentMemory,
  agentIdle,
  agentStart,
  ...mqttFigures(),
  deployTime,
  ...fleetFigures(site),
];
const rows: string[] = [];
try {
  for (const figure of figures.filter(({ number }) => numbers.length === 0 || numbers.includes(number))) {
    log(`# ${figure.number} ${figure.title}`);
    rows.push(row(figure, await figure.measure({ pairs, log })));
    log(rows.at(-1) ?? '');
  }
} finally {
  await site.close();
}
process.stdout.write(`${[HEADER, ...rows].join('\n')}\n`);
