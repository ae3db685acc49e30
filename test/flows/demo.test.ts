import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { freePort, tempDir, until } from '@selvage/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Program, root } from '../stage/process.js';

const UP_MS = 180_000;
/** A message that came through the route, as it is shown. */
const FLOWS =
  /^route: \d\d:\d\d:\d\d\.\d{3} default\/nodes\/local\/user\/thermometer\/temperature \{"celsius":[\d.]+\}$/gm;

describe('npm start -- --demo', () => {
  const data = tempDir();
  let started: Program;
  let mqtt: number;

  beforeAll(async () => {
    const [http, link, api] = await Promise.all([freePort(), freePort(), freePort()]);
    mqtt = await freePort();
    started = new Program('npm start', [process.execPath, join(root, 'tools', 'start.mjs'), '--demo'], {
      SELVAGE_DATA: data.path,
      SELVAGE_HTTP_PORT: String(http),
      SELVAGE_LINK_HOST: '127.0.0.1',
      SELVAGE_LINK_PORT: String(link),
      SELVAGE_API_PORT: String(api),
      SELVAGE_MQTT_PORT: '0',
      SELVAGE_MQTT_WEBSOCKET_PORT: '0',
      SELVAGE_MQTT_PLAIN_PORT: String(mqtt),
    });
  });
  afterAll(async () => {
    await started.stop();
    for (const image of docker(['images', '--quiet', '--no-trunc', 'localhost/selvage-demo-hello'])) {
      for (const id of docker(['ps', '--all', '--quiet', '--filter', `ancestor=${image}`]))
        docker(['rm', '--force', id]);
      docker(['rmi', '--force', image]);
    }
    data.remove();
  });

  it.each(['first', 'second'])(
    'shows at its %s start what flows, runs the sample app, and stops all of it',
    async (which) => {
      started.clear();
      started.start();
      await until(() => (started.output.match(FLOWS)?.length ?? 0) >= 2 || !started.running, {
        timeoutMs: UP_MS,
        describe: () => `messages to flow; it said:\n${started.output}`,
      });
      expect(started.output).toContain('The sample app "hello" is deployed');
      await until(() => helloLogs().includes('hello from the demo'), { timeoutMs: UP_MS, describe: () => which });
      process.kill(started.pid, 'SIGINT');
      expect(await started.ended(30_000)).toBe(0);
      expect(started.output).toContain('Stopped');
      expect(started.output).not.toContain('starts again');
      expect(execFileSync('ps', ['-e', '-o', 'args='], { encoding: 'utf8' })).not.toContain(`mqtt://127.0.0.1:${mqtt}`);
    },
  );
});

/** What all containers of the sample app said. */
function helloLogs(): string {
  const running = docker(['ps', '--quiet', '--filter', 'label=io.selvage.app=hello']);
  return running.flatMap((id) => docker(['logs', id])).join('\n');
}

function docker(args: readonly string[]): string[] {
  return execFileSync('docker', args, { encoding: 'utf8' }).split('\n').filter(Boolean);
}
