import { freePort } from '@selvage/testkit';
import { type Address, type BrokerUnderTest, KNOWN_USER } from '../broker-under-test.js';
import { ServerProgram } from './server-program.js';

/** Aedes as it comes, in memory, in a process of its own: its table of deviations is what our broker has to repair. */
export class RawAedes implements BrokerUnderTest {
  readonly name = 'raw aedes';
  readonly capabilities = { durable: false, webSocket: true, credentials: true };
  readonly keepaliveSlackMs = 1_000;
  private server: ServerProgram | undefined;
  private address: Address | undefined;

  async start(): Promise<Address> {
    this.address ??= { host: '127.0.0.1', port: await freePort(), webSocketPort: await freePort() };
    this.server ??= new ServerProgram('raw aedes', command(this.address), this.address.port);
    await this.server.start();
    return this.address;
  }

  async stop(): Promise<void> {
    await this.server?.stop('SIGTERM');
    this.server = this.address = undefined;
  }

  async restart(): Promise<void> {
    await this.server?.stop('SIGKILL');
    await this.server?.start();
  }

  trouble(): string | undefined {
    return this.server?.trouble();
  }
}

/** The program is handed to Node as text: a crash of the broker must not be a crash of the suite. */
function command({ host, port, webSocketPort = 0 }: Address): string[] {
  const program = `
    import { createServer } from 'node:net';
    import { Aedes } from 'aedes';
    import { createWebSocketStream, WebSocketServer } from 'ws';
    const known = ${JSON.stringify(KNOWN_USER)};
    const broker = await Aedes.createBroker({
      authenticate: (client, username, password, done) =>
        done(null, username === undefined || (username === known.username && password?.toString() === known.password)),
    });
    const sockets = new WebSocketServer({
      host: '${host}', port: ${webSocketPort},
      handleProtocols: (offered) => offered.has('mqtt') ? 'mqtt' : false,
    });
    sockets.on('connection', (socket, request) => broker.handle(createWebSocketStream(socket), request));
    createServer({ noDelay: true }, broker.handle).listen(${port}, '${host}');
  `;
  return [process.execPath, '--input-type=module', '-e', program];
}
