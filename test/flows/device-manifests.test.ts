import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { endpoints } from '@selvage/protocol';
import { tempDir } from '@selvage/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { HubProcess, params } from '../stage/site.js';

const hub = new HubProcess();
const folder = tempDir();
const MANIFESTS = `
kind: Client
name: dashboard
spec: { node: edge-1, grants: { subscribe: ['$hw/events/device/+/twin/#'] } }
---
kind: Device
name: lamp-1
spec: { model: lamp, node: edge-1 }
---
kind: Node
name: edge-1
spec: { broker: { limits: { connections: 50 } } }
---
kind: DeviceModel
name: lamp
spec: { properties: { level: { type: int, min: 0, max: 100 } } }
`;

beforeAll(() => hub.start());
afterAll(async () => {
  await hub.close();
  folder.remove();
});

async function cli(...args: string[]): Promise<string> {
  const { code, output } = await hub.cli(...args);
  if (code !== 0) throw new Error(`selvage ${args.join(' ')} ended with ${code}: ${output}`);
  return output;
}

it('an operator describes devices in a file, sets what they are to do, and gives them certificates', async () => {
  const file = join(folder.path, 'devices.yaml');
  writeFileSync(file, MANIFESTS);
  expect(await cli('apply', '-f', file)).toBe(
    'device-model/lamp created\nnode/edge-1 created\ndevice/lamp-1 created\nclient/dashboard created\n',
  );
  expect(await cli('apply', '-f', file)).not.toMatch(/ created| changed/);
  expect(await cli('set', 'device/lamp-1', 'level=40')).toBe('device/lamp-1 set; level waits for the device\n');
  expect(await cli('describe', 'device/lamp-1')).toMatch(/level +int +40 \(cloud 1, edge 0; \d+s ago\) +- +yes +admin/);
  expect(await cli('history', 'device/lamp-1')).toMatch(/level +expected +40 +cloud 1, edge 0 +admin/);
  expect(await cli('get', 'devices')).toMatch(/lamp-1 +unknown +edge-1 +lamp +level/);
  expect(await cli('get', 'device-models')).toMatch(/lamp +custom +level +1/);

  await cli('cert', 'issue', 'device/lamp-1', '--out', folder.path);
  const leaf = new X509Certificate(readFileSync(join(folder.path, 'cert.pem')));
  expect(leaf.checkPrivateKey(createPrivateKey(readFileSync(join(folder.path, 'key.pem'))))).toBe(true);
  const serial = leaf.serialNumber.toLowerCase();
  expect(await cli('cert', 'list', 'device/lamp-1')).toContain(serial);
  await cli('cert', 'revoke', serial);
  expect(await cli('cert', 'list', 'device/lamp-1')).toMatch(/revoked/);
  const login = { username: 'dash', password: 'a long password' };
  await hub.client.call(endpoints.clients.login, { ...params('dashboard'), body: login });
  expect(await cli('describe', 'client/dashboard')).toMatch(/user name: +dash/);
});

it('what cannot be is refused with words that help', async () => {
  expect((await hub.cli('set', 'device/lamp-1', 'level=101')).output).toContain(
    'level: the value is above the maximum',
  );
  expect((await hub.cli('delete', 'device-model/lamp', '--yes')).output).toContain('Device model "lamp" is that of');
  expect(await (await fetch(`${hub.url}/metrics`)).text()).toMatch(/selvage_devices\{state="unknown"\} 1/);
});

it('a node takes its bindings with it', async () => {
  await cli('delete', 'node/edge-1', '--yes');
  expect((await hub.client.call(endpoints.devices.get, params('lamp-1'))).spec.node).toBeUndefined();
  expect((await hub.client.call(endpoints.clients.get, params('dashboard'))).spec.node).toBeUndefined();
  await cli('delete', '--yes', 'device/lamp-1', 'device-model/lamp', 'client/dashboard');
});
