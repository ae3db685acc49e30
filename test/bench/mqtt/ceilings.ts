import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { freePort, tempDir, until } from '@selvage/testkit';
import { HUB_CORE, LOAD_CORE, pinned } from '../fleet/machine.js';
import { Child } from './child.js';
import type { Programs } from './programs.js';

export interface CeilingNeeds {
  readonly do: 'journal' | 'outbox' | 'fdatasync';
  readonly seconds: number;
  readonly open: number;
  readonly bytes: number;
}

/** What the disk does for a program that has nothing else to do, per second. */
export async function ceiling(programs: Programs, needs: CeilingNeeds): Promise<number> {
  const dir = tempDir('selvage-bench-');
  const command = [process.execPath, await programs.path('ceilings-program'), dir.path];
  const child = new Child(pinned(HUB_CORE, command), { talks: true });
  try {
    await child.ask();
    return ((await child.ask(needs)) as { perSecond: number }).perSecond;
  } finally {
    await child.kill();
    dir.remove();
  }
}

/** Sets of 256 bytes per second in a Redis that syncs before it answers; undefined where there is no Redis. */
export async function redisSets(clients: number, window: number): Promise<number | undefined> {
  if (spawnSync('redis-server', ['--version']).error !== undefined) return undefined;
  const [dir, port] = [tempDir('selvage-bench-'), await freePort()];
  const config = [
    '--port',
    String(port),
    '--dir',
    dir.path,
    '--save',
    '',
    '--appendonly',
    'yes',
    '--appendfsync',
    'always',
  ];
  const server = new Child(pinned(HUB_CORE, ['redis-server', ...config]), { talks: false });
  try {
    await until(() => answers(port), { describe: () => `redis: ${server.output}` });
    const each = ['-t', 'set', '-d', '256', '-r', '1000000', '-c', String(clients), '-P', String(window)];
    const count = clients === 1 ? '5000' : '200000';
    const [command = '', ...args] = pinned(LOAD_CORE, [
      'redis-benchmark',
      '-p',
      String(port),
      ...each,
      '-n',
      count,
      '--csv',
    ]);
    const client = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    let said = '';
    client.stdout.on('data', (text: Buffer) => (said += text.toString()));
    await once(client, 'close');
    return Number(/^"SET","([\d.]+)"/m.exec(said)?.[1]);
  } finally {
    await server.kill();
    dir.remove();
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => {
      resolve(false);
    });
  });
}
