import { existsSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TempDir, tempDir } from '@selvage/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { doctor } from './doctor.js';
import { runCommand } from './join-hub.js';
import { TestHub } from './link/test-hub.js';
import { type AgentStatus, LocalApi } from './local-api/index.js';
import { FolderLock } from './state/index.js';
import { wayOut } from './way-out.js';

const time = '2030-01-01T00:00:00.000Z';
const status: AgentStatus = {
  agentVersion: '1.2.3',
  nodeVersion: 'v20',
  startedAt: time,
  node: { project: 'default', node: 'n' },
  hub: { url: 'https://hub', state: 'refused', since: time, reason: 'The node is disabled. An operator did it.' },
  engine: { state: 'ready' },
  certificate: { serial: 'a', notAfter: time, daysLeft: 59, renewAt: time, renewing: false },
  apps: [],
};

describe('the doctor', () => {
  const hub = new TestHub();
  let folder: TempDir;
  const link = async (): Promise<string | undefined> =>
    (await doctor(folder.path, Date.now())).lines.find((line) => line.includes(' link: '));
  beforeEach(async () => {
    await hub.start();
    folder = tempDir();
    const identity = { hubUrl: hub.url, hub: 'a'.repeat(16), project: 'default', node: 'n', ...hub.identity };
    writeFileSync(join(folder.path, 'identity.json'), JSON.stringify(identity));
  });
  afterEach(async () => {
    await hub.stop();
    folder.remove();
  });

  it('asks the agent that runs, and says what to do about a refusal', async () => {
    const lock = new FolderLock(folder.path);
    await lock.take();
    const log = { info: () => undefined, warn: () => undefined };
    const api = new LocalApi({
      port: 0,
      folder: folder.path,
      status: () => status,
      store: () => Promise.resolve(),
      log,
    });
    await api.start();
    expect(await link()).toBe(
      'problem  link: the hub refuses this node. The node is disabled. An operator did it. To do: let it in again with "selvage node enable NODE".',
    );
    await api.stop();
    await lock.release();
    expect(hub.heard).toEqual([]);
  });

  it('writes to the disk, and says what to do when it is full', async () => {
    symlinkSync('/dev/full', join(folder.path, 'probe'));
    const found = doctor(folder.path, Date.now());
    await hub.hear('hello');
    hub.cut();
    expect((await found).lines).toContain(
      `problem  data folder: Nothing can be written to ${folder.path}: remove what is not needed.`,
    );
  });

  it('makes no data folder, and says that there is none', async () => {
    const missing = join(folder.path, 'missing');
    const { lines, well } = await doctor(missing, Date.now());
    expect([well, existsSync(missing)]).toEqual([false, false]);
    expect(lines).toContain(`problem  data folder: ${missing} does not exist; "selvage-agent join" makes it.`);
  });

  it('asks the hub itself when no agent runs', async () => {
    const found = link();
    await hub.hear('hello');
    hub.send({ t: 'refused', code: 'certificate_revoked', detail: 'Reason: stolen.' });
    hub.cut();
    expect(await found).toMatch(/^problem {2}link: the hub refuses .*Reason: stolen\. To do: make a new token/);
  });
});

it('an unknown refusal has a way out too', () => {
  expect(wayOut('It was full moon.')).toContain('join --force');
});

it.each([
  [undefined, 'selvage-agent run'],
  ['/srv/a', 'selvage-agent run --data /srv/a'],
  ["my d'r", "selvage-agent run --data 'my d'\\''r'"],
])('the command for data folder %j is %s', (data, line) => {
  expect(runCommand(data)).toBe(line);
});
