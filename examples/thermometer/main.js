/**
 * A simulated thermometer: it reports its temperature to its twin, sends it as a message too, and takes its reporting interval and LED
 * from what is expected of it.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { connectDevice, defineModel } from '@selvage/device-sdk';

const { values: options } = parseArgs({
  options: {
    url: { type: 'string', default: 'mqtt://127.0.0.1:1883' },
    id: { type: 'string', default: 'thermometer' },
    node: { type: 'string', default: 'local' },
    project: { type: 'string', default: 'default' },
    /** Folder with key.pem, cert.pem and ca.pem, for a url that begins with mqtts: or wss:. */
    certs: { type: 'string' },
    /** Seconds between two reports, until something else is expected of it. */
    every: { type: 'string', default: '5' },
    /** Sends this one message in place of all that, and ends. */
    send: { type: 'string' },
  },
});
const { certs, every, send, ...address } = options;
const pem = (name) => readFileSync(join(certs, `${name}.pem`), 'utf8');
const tls = certs === undefined ? undefined : { key: pem('key'), cert: pem('cert'), ca: pem('ca') };

const model = defineModel({
  temperature: { type: 'float', access: 'r', unit: '°C', min: -40, max: 85 },
  interval: { type: 'int', unit: 's', min: 1, max: 3600 },
  led: { type: 'boolean' },
});
const say = (words) => process.stdout.write(`${words}\n`);

const TOPIC = 'thermometer/temperature';
if (send !== undefined) {
  const sender = connectDevice({ ...address, tls, presence: false });
  await sender.send(TOPIC, send);
  say(`sent to ${TOPIC}`);
  await sender.close();
  process.exit();
}

const device = connectDevice({ ...address, tls, model });
device.on('connected', () => say(`connected to ${options.url} as ${options.id}`));
device.on('disconnected', ({ message }) => say(message));
device.on('error', ({ message }) => say(message));
device.onCommand('thermometer/set', (command) => say(`command: ${command.text()}`));

let seconds = Number(every);
device.twin.on('expected', (expected) => {
  say(`expected: ${JSON.stringify(expected)}`);
  seconds = expected.interval ?? seconds;
  return device.twin.report(expected);
});

const stopping = new globalThis.AbortController();
const stop = () => {
  stopping.abort();
  // What waits for the node ends with it.
  void device.close();
};
process.once('SIGINT', stop).once('SIGTERM', stop);
for (let temperature = 21; !stopping.signal.aborted; temperature += Math.random() - 0.5) {
  const rounded = Math.round(temperature * 10) / 10;
  await device.twin.report({ temperature: rounded }).then(
    (result) => say(`${rounded} °C ${result}`),
    (/** @type {unknown} */ error) => say(error instanceof Error ? error.message : String(error)),
  );
  // What cannot go now waits, and goes later.
  device.send(TOPIC, { celsius: rounded }).catch((/** @type {unknown} */ error) => {
    if (!stopping.signal.aborted) say(error instanceof Error ? error.message : String(error));
  });
  await pause(seconds * 1000, undefined, stopping).catch(() => undefined);
}
for (const { topic } of await device.close()) say(`not sent: ${topic}`);
