import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, tempDir, type TempDir } from '@selvage/testkit';
import { run } from '../../stage/process.js';
import { type Address, type BrokerUnderTest, KNOWN_USER } from '../broker-under-test.js';
import { ServerProgram } from './server-program.js';

/** The Debian package `mosquitto` as one process with a configuration of its own: the judge of this suite. */
export class Mosquitto implements BrokerUnderTest {
  readonly name = 'mosquitto';
  readonly capabilities = { durable: true, webSocket: false, credentials: true };
  /** It looks for silent clients every five seconds. */
  readonly keepaliveSlackMs = 6_000;
  private dir: TempDir | undefined;
  private server: ServerProgram | undefined;
  private address: Address | undefined;

  async start(): Promise<Address> {
    this.address ??= { host: '127.0.0.1', port: await freePort() };
    this.server ??= await this.prepare(this.address.port);
    await this.server.start();
    return this.address;
  }

  async stop(): Promise<void> {
    await this.server?.stop('SIGTERM');
    this.dir?.remove();
    this.server = this.dir = this.address = undefined;
  }

  /** Mosquitto promises to keep sessions over an orderly end only. */
  async restart(): Promise<void> {
    await this.server?.stop('SIGTERM');
    await this.server?.start();
  }

  trouble(): string | undefined {
    return this.server?.trouble();
  }

  private async prepare(port: number): Promise<ServerProgram> {
    if (spawnSync('mosquitto', ['-h']).error !== undefined)
      throw new Error('mosquitto is not installed; on Debian: apt-get install --no-install-recommends mosquitto');
    this.dir = tempDir('mosquitto-');
    const [config, passwords] = [join(this.dir.path, 'mosquitto.conf'), join(this.dir.path, 'passwords')];
    writeFileSync(config, configuration({ port, folder: this.dir.path, passwords }));
    const { username, password } = KNOWN_USER;
    const made = await run(['mosquitto_passwd', '-b', '-c', passwords, username, password]);
    if (made.code !== 0) throw new Error(`mosquitto_passwd failed: ${made.output}`);
    return new ServerProgram('mosquitto', ['mosquitto', '-c', config], port);
  }
}

function configuration(of: { port: number; folder: string; passwords: string }): string {
  return [
    'user root',
    `listener ${of.port} 127.0.0.1`,
    'allow_anonymous true',
    `password_file ${of.passwords}`,
    'persistence true',
    `persistence_location ${of.folder}/`,
    'sys_interval 1',
    'allow_duplicate_messages true',
    '',
  ].join('\n');
}
