/**
 * The broker and the routes of a node as a program: `node … FOLDER PORT`. It lets everybody in, and carries what `wanted.json` in its
 * folder says. There is no hub.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { brokerLimits, desiredRoutes } from '@selvage/protocol';
import { systemClock } from '@selvage/reconcile';
import { toSection } from '@selvage/wire';
import { DEFAULT_TOTAL, type LaneRules, Outbox } from '@selvage/outbox';
import { Bus, MqttBroker } from '../../apps/edge-agent/src/broker/index.js';
import { CallRegistry } from '../../apps/edge-agent/src/link/index.js';
import { createRoutes, RouteRules } from '../../apps/edge-agent/src/routes/index.js';
import { Journal, ReportedStore, SqliteOutboxStore, Store } from '../../apps/edge-agent/src/state/index.js';

const [folder = '', port = ''] = process.argv.slice(2);
const say = (values: unknown, text?: string): void => {
  process.stderr.write(`${text ?? ''} ${inspect(values)}\n`);
};
const log = { info: (): void => undefined, debug: (): void => undefined, warn: say, error: say };
const clock = systemClock;
const limits = brokerLimits.parse({ connectsPerSecond: 100_000 });

const store = new Store({ folder, clock, log });
await store.start();
const wanted = desiredRoutes.parse(JSON.parse(readFileSync(join(folder, 'wanted.json'), 'utf8')));
await store.desired.apply({ epoch: 'e', revision: 1 }, [toSection('routes', wanted)], []);
const { desired } = store;
const rules = new RouteRules(desired);
const outbox = (file: string, of: (lane: string) => LaneRules): Outbox => {
  const path = join(folder, file);
  const files = new SqliteOutboxStore({ path, clock, log });
  return new Outbox({ store: files, clock, rules: of, total: DEFAULT_TOTAL, maxMessage: 1_024_000, trouble: say });
};
const hub = outbox('outbox.db', rules.toHub);
const local = outbox('routes.db', rules.local);
const journal = new Journal({ path: join(folder, 'broker.db'), clock, log });
for (const part of [hub, local, journal]) await part.start();
const bus = new Bus();
const place = { project: 'default', node: 'n1' };
const broker = new MqttBroker({
  ...{ bus, clock, log, records: journal, place, limits: () => limits },
  identify: () => Promise.resolve({ who: { kind: 'local', id: 'local' }, isCurrent: () => true }),
});
const routes = createRoutes({
  ...{ bus, hub, local, journal, desired, clock, log, node: place, newId: randomUUID },
  ...{ reported: new ReportedStore(), calls: new CallRegistry() },
  publish: (message) => broker.publish(message),
});
await routes.start();
await broker.start();
routes.deliveries.start();
createServer({ noDelay: true }, (socket) => {
  broker.attach(socket);
}).listen(Number(port), '127.0.0.1', () => {
  process.stdout.write('listening\n');
});
