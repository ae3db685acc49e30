/**
 * The broker and the twins of a node as a program: `node … FOLDER PORT`. It lets everybody in, and takes over what the hub wants from
 * `wanted.json` in its folder when it gets a SIGHUP.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { brokerLimits } from '@selvage/protocol';
import { systemClock } from '@selvage/reconcile';
import { toSection } from '@selvage/wire';
import { Bus, MqttBroker } from '../../apps/edge-agent/src/broker/index.js';
import { ReportedStore, Store } from '../../apps/edge-agent/src/state/index.js';
import { Journal } from '../../apps/edge-agent/src/state/journal.js';
import { createTwins } from '../../apps/edge-agent/src/twins/index.js';

const [folder = '', port = ''] = process.argv.slice(2);
const say = (values: unknown, text?: string): void => {
  process.stderr.write(`${text ?? ''} ${inspect(values)}\n`);
};
const log = { info: (): void => undefined, debug: (): void => undefined, warn: say, error: say };
const clock = systemClock;
const limits = brokerLimits.parse({ connectsPerSecond: 100_000 });

const store = new Store({ folder, clock, log });
await store.start();
const journal = new Journal({ path: join(folder, 'broker.db'), clock, log });
await journal.start();
const bus = new Bus();
const broker = new MqttBroker({
  ...{ bus, clock, log, records: journal, place: { project: 'default', node: 'node-1' }, limits: () => limits },
  identify: () => Promise.resolve({ who: { kind: 'local', id: 'local' }, isCurrent: () => true }),
});
await broker.start();
const reported = new ReportedStore();
const twins = createTwins({
  ...{ bus, reported, journal, clock, log, desired: store.desired, newId: randomUUID },
  publish: (message) => broker.publish(message),
  node: { hub: 'hub', project: 'default', node: 'node-1' },
});
await twins.start();
twins.poke();
process.on('SIGHUP', () => {
  const wanted = JSON.parse(readFileSync(join(folder, 'wanted.json'), 'utf8')) as Record<string, unknown>;
  const sections = Object.entries(wanted).map(([name, value]) => toSection(name, value));
  void store.desired.apply({ epoch: 'e', revision: (store.desired.position?.revision ?? 0) + 1 }, sections, []);
});
createServer({ noDelay: true }, (socket) => {
  broker.attach(socket);
}).listen(Number(port), '127.0.0.1', () => {
  process.stdout.write('listening\n');
});
