/**
 * The node's broker as the agent has it, as a program: `node … FOLDER PORT TLS-PORT`. Messages of `ingest/#` go into the outbox and
 * are acknowledged when that has them on the disk; the devices of `wanted.json` have twins.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_LANE, Outbox } from '@selvage/outbox';
import { frames, type Position } from '@selvage/protocol';
import { systemClock } from '@selvage/reconcile';
import { createBroker, type CreateBrokerOptions } from '../../../apps/edge-agent/src/broker/index.js';
import { createLog } from '../../../apps/edge-agent/src/log.js';
import { Journal, ReportedStore, SqliteOutboxStore } from '../../../apps/edge-agent/src/state/index.js';
import { createTwins, type TwinsOptions } from '../../../apps/edge-agent/src/twins/index.js';
import { answerCollect } from './collect.js';

const [folder = '', port = '', tlsPort = ''] = process.argv.slice(2);
const [clock, log] = [systemClock, createLog('error')];
const node = { hub: 'bench', project: 'default', node: 'bench' };
const position: Position = { epoch: 'bench', revision: 1 };
const wanted = JSON.parse(readFileSync(join(folder, 'wanted.json'), 'utf8')) as Readonly<Record<string, unknown>>;
const desired: CreateBrokerOptions['desired'] & TwinsOptions['desired'] = {
  position,
  read: (section, schema) => (wanted[section] === undefined ? undefined : schema.parse(wanted[section])),
  onChange: () => undefined,
};
const file = (name: string): string => (existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8') : '');

const records = new Journal({ path: join(folder, 'broker.db'), clock, log });
await records.start();
const outbox = new Outbox({
  ...{ store: new SqliteOutboxStore({ path: join(folder, 'outbox.db'), clock, log }), clock },
  ...{ rules: () => ({ ...DEFAULT_LANE, maxBytes: 1e10 }), total: { maxBytes: 1e10, whenFull: 'refuse' } },
  maxMessage: frames.MAX_MESSAGE,
});
await outbox.start();
const broker = createBroker({
  ...{ node, desired, records, clock, log },
  credentials: () => ({ key: file('server.key'), chain: file('server.pem'), ca: file('ca.pem') }),
  owner: { plain: true, ports: { plain: Number(port), tls: Number(tlsPort) } },
});
broker.bus.take('ingest/#', ({ topic, payload }) => outbox.append({ lane: 'ingest', key: topic, body: payload }));
const twins = createTwins({
  ...{ node, desired, journal: records, clock, log, bus: broker.bus, reported: new ReportedStore(), newId: randomUUID },
  publish: (message) => broker.publish(message),
});
await twins.start();
await broker.start();
twins.poke();
answerCollect();
