/** Our broker as a program: `node … FOLDER PORT WEBSOCKET-PORT`. It lets everybody in who names no user, and the known user. */
import { createServer } from 'node:net';
import { join } from 'node:path';
import { brokerLimits } from '@selvage/protocol';
import { systemClock } from '@selvage/reconcile';
import {
  type Admission,
  Bus,
  type Introduction,
  MqttBroker,
  WebSocketDoor,
} from '../../../apps/edge-agent/src/broker/index.js';
import { createLog } from '../../../apps/edge-agent/src/log.js';
import { Journal } from '../../../apps/edge-agent/src/state/journal.js';
import { KNOWN_USER } from '../broker-under-test.js';

const [folder = '', port = '', webSocketPort = ''] = process.argv.slice(2);
const log = createLog('warn');
const limits = brokerLimits.parse({ connectsPerSecond: 100_000, packetBytes: 4 * 1024 * 1024 });

function identify({ username, password }: Introduction): Promise<Admission | undefined> {
  const isKnown = username === KNOWN_USER.username && password?.toString() === KNOWN_USER.password;
  if (username !== undefined && !isKnown) return Promise.resolve(undefined);
  return Promise.resolve({ who: { kind: 'local', id: username ?? 'local' }, isCurrent: () => true });
}

const records = new Journal({ path: join(folder, 'broker.db'), clock: systemClock, log });
await records.start();
const place = { project: 'default', node: 'n1' };
const broker = new MqttBroker({
  place,
  limits: () => limits,
  records,
  bus: new Bus(),
  identify,
  clock: systemClock,
  log,
});
await broker.start();
const door = new WebSocketDoor({
  maxPayload: () => limits.packetBytes,
  opened: (stream) => {
    broker.attach(stream, { listener: 'webSocket' });
  },
});
createServer((socket) => {
  door.meet(socket);
}).listen(Number(webSocketPort), '127.0.0.1');
createServer({ noDelay: true }, (socket) => {
  broker.attach(socket);
}).listen(Number(port), '127.0.0.1');
