import { freePort, tempDir, type TempDir } from '@selvage/testkit';
import { bundleProgram } from '../../stage/bundle.js';
import type { Address, BrokerUnderTest } from '../broker-under-test.js';
import { ServerProgram } from './server-program.js';

/** Our broker as a program. */
export function bundleBroker(): Promise<string> {
  return bundleProgram('test/conformance/brokers/selvage-server.ts');
}

/** The node's broker in a process of its own, on a journal of its own. */
export class Selvage implements BrokerUnderTest {
  readonly name = 'selvage';
  readonly capabilities = { durable: true, webSocket: true, credentials: true };
  readonly keepaliveSlackMs = 1_000;
  private dir: TempDir | undefined;
  private server: ServerProgram | undefined;
  private address: Address | undefined;

  async start(): Promise<Address> {
    this.address ??= { host: '127.0.0.1', port: await freePort(), webSocketPort: await freePort() };
    this.server ??= await this.prepare(this.address);
    await this.server.start();
    return this.address;
  }

  async stop(): Promise<void> {
    await this.server?.stop('SIGKILL');
    this.dir?.remove();
    this.server = this.dir = this.address = undefined;
  }

  async restart(): Promise<void> {
    await this.server?.stop('SIGKILL');
    await this.server?.start();
  }

  trouble(): string | undefined {
    return this.server?.trouble();
  }

  private async prepare({ port, webSocketPort = 0 }: Address): Promise<ServerProgram> {
    this.dir = tempDir('selvage-broker-');
    const program = await bundleBroker();
    const command = [process.execPath, program, this.dir.path, String(port), String(webSocketPort)];
    return new ServerProgram('selvage', command, port);
  }
}
