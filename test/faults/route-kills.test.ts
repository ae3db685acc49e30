import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { freePort, tempDir, until } from '@selvage/testkit';
import { connect, type MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleProgram } from '../stage/bundle.js';
import { Program } from '../stage/process.js';

const ROUNDS = 12;
const KEYS = 4;

/** There is no hub. What was acknowledged, and what came out at the other end, is written down outside the process under test. */
describe('SIGKILL of a node whose routes lead to its own broker and to a service', () => {
  const folder = tempDir('selvage-routes-');
  const acknowledged = new Set<string>();
  const published: string[] = [];
  /** Ids under which the service was given each message. */
  const posted = new Map<string, Set<string>>();
  const service = createServer((asked, answer) => {
    const parts: Buffer[] = [];
    asked.on('data', (part: Buffer) => parts.push(part));
    asked.on('end', () => {
      const text = Buffer.concat(parts).toString();
      posted.set(text, (posted.get(text) ?? new Set()).add(String(asked.headers['webhook-id'])));
      answer.writeHead(204).end();
    });
  });
  let program: Program;
  let port = 0;
  let reader: MqttClient;
  let next = 0;

  const start = async (): Promise<void> => {
    program.clear();
    program.start();
    await until(() => program.output.includes('listening'), { describe: () => program.output });
  };
  const client = (clientId: string, clean: boolean): MqttClient => {
    const made = connect({ host: '127.0.0.1', port, protocolVersion: 4, clientId, clean, reconnectPeriod: 20 });
    made.on('error', () => undefined);
    return made;
  };
  /** Publishes until its connection ends, a message never twice: what was not acknowledged may have come or not. */
  const publishAll = (sender: MqttClient): void => {
    const one = (key: number): void => {
      const text = `${key} ${(next += 1)}`;
      sender.publish(`in/${key}`, text, { qos: 1 }, (error) => {
        if (error) return;
        acknowledged.add(text);
        one(key);
      });
    };
    for (let key = 0; key < KEYS; key += 1) for (let n = 0; n < 5; n += 1) one(key);
  };

  beforeAll(async () => {
    service.listen(0, '127.0.0.1');
    await once(service, 'listening');
    port = await freePort();
    const common = { topic: 'in/+', retry: { tries: 1_000, minSeconds: 0.1, maxSeconds: 0.2 }, batch: {}, budget: {} };
    const shape = { state: 'active', priority: 5, order: 'topic', ...common };
    const edge = { kind: 'edge', topic: 'out/{1}', qos: 1, retain: false };
    const http = { kind: 'service', port: (service.address() as AddressInfo).port, path: '/', timeoutSeconds: 5 };
    const routes = [
      { uid: 'edge', name: 'edge', group: 'edge', target: edge, ...shape },
      { uid: 'http', name: 'http', group: 'http', target: http, ...shape },
    ];
    writeFileSync(join(folder.path, 'wanted.json'), JSON.stringify({ routes }));
    program = new Program('routes', [
      ...[process.execPath, await bundleProgram('test/stage/route-server.ts')],
      ...[folder.path, String(port)],
    ]);
    await start();
    reader = client('reader', false);
    reader.on('message', (_topic, payload, { dup }) => {
      const text = payload.toString();
      // Sent again by the broker because it did not see the acknowledgement: the same message, and not the route's doing.
      if (!dup || !published.includes(text)) published.push(text);
    });
    await until(() => reader.connected);
    await reader.subscribeAsync('out/#', { qos: 1 });
  });
  afterAll(async () => {
    await reader.endAsync(true);
    await program.stop('SIGKILL');
    service.close().closeAllConnections();
    folder.remove();
  });

  it('loses nothing that was acknowledged, brings nothing twice, and keeps the order', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const sender = client(`sender-${round}`, true);
      sender.once('connect', () => {
        publishAll(sender);
      });
      const enough = acknowledged.size + 60 + round * 50;
      const say = (): string => `round ${round}: ${acknowledged.size} of ${enough}; ${program.output}`;
      await until(() => acknowledged.size >= enough, { everyMs: 1, describe: say });
      await program.stop('SIGKILL');
      await sender.endAsync(true);
      await start();
    }
    const missing = (): number =>
      [...acknowledged].filter((one) => !published.includes(one) || !posted.has(one)).length;
    await until(() => missing() === 0, { everyMs: 200, describe: () => `${missing()} messages; ${program.output}` });
    expect(published.length).toBe(new Set(published).size);
    expect([...posted].filter(([, ids]) => ids.size > 1)).toEqual([]);
    for (let key = 0; key < KEYS; key += 1) {
      const numbers = published.flatMap((text) => (text.startsWith(`${key} `) ? [Number(text.split(' ')[1])] : []));
      expect(numbers, `order of key ${key}`).toEqual([...numbers].sort((a, b) => a - b));
    }
  });
});
