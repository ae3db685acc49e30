import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './free-port.js';
import { accepts, ServerProgram } from './server-program.js';
import { type TempDir, tempDir } from './temp-dir.js';

export interface NatsOptions {
  readonly user?: { readonly username: string; readonly password: string; readonly maySend?: string };
  readonly token?: string;
  /** PEM texts. */
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly maxPayload?: number;
}

/** Debian's nats-server with JetStream on a free port of 127.0.0.1. Throws when the package is not installed. */
export async function startNats(options: NatsOptions = {}): Promise<Nats> {
  const folder = tempDir('selvage-nats-');
  const port = await freePort();
  const config = join(folder.path, 'nats.conf');
  writeFileSync(config, configuration(folder.path, port, options), { mode: 0o600 });
  const program = new ServerProgram({ command: ['nats-server', '-c', config], package: 'nats-server' });
  const server = new Nats(program, port, folder);
  try {
    await server.up();
    return server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

export class Nats {
  constructor(
    private readonly program: ServerProgram,
    readonly port: number,
    private readonly folder: TempDir,
  ) {}

  /** Serves again after `down`, with the streams that it had. */
  up(): Promise<void> {
    return this.program.start(() => accepts(this.port));
  }

  /** Ends at once, and with it all connections. */
  down(): Promise<void> {
    return this.program.stop('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.down();
    this.folder.remove();
  }
}

function configuration(folder: string, port: number, { user, token, tls, maxPayload }: NatsOptions): string {
  const lines = [`listen: "127.0.0.1:${port}"`, `jetstream { store_dir: "${folder}" }`];
  if (maxPayload !== undefined) lines.push(`max_payload: ${maxPayload}`);
  if (token !== undefined) lines.push(`authorization { token: "${token}" }`);
  if (user !== undefined) {
    const { username, password, maySend = '>' } = user;
    const permissions = `permissions: { publish: ["${maySend}", "$JS.API.>"], subscribe: ">" }`;
    lines.push(`authorization { users = [ { user: "${username}", password: "${password}", ${permissions} } ] }`);
  }
  if (tls !== undefined) {
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    writeFileSync(cert, tls.cert);
    writeFileSync(key, tls.key, { mode: 0o600 });
    lines.push(`tls { cert_file: "${cert}", key_file: "${key}" }`);
  }
  return lines.join('\n');
}
