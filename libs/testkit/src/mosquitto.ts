import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './free-port.js';
import { accepts, ServerProgram } from './server-program.js';
import { type TempDir, tempDir } from './temp-dir.js';

const run = promisify(execFile);

/** PEM texts: `clientCa` asks clients for certificates of that authority. */
export interface MosquittoOptions {
  readonly user?: { readonly username: string; readonly password: string };
  readonly tls?: { readonly cert: string; readonly key: string; readonly clientCa?: string };
  /** Packets beyond that end the connection. */
  readonly maxPacketBytes?: number;
}

/** Debian's mosquitto on a free port of 127.0.0.1. Throws when the package is not installed. */
export async function startMosquitto(options: MosquittoOptions = {}): Promise<Mosquitto> {
  const folder = tempDir('selvage-mosquitto-');
  const port = await freePort();
  const config = await configure(folder.path, port, options);
  const program = new ServerProgram({ command: ['mosquitto', '-c', config], package: 'mosquitto' });
  const broker = new Mosquitto(program, port, folder);
  try {
    await broker.up();
    return broker;
  } catch (error) {
    await broker.stop();
    throw error;
  }
}

export class Mosquitto {
  constructor(
    private readonly program: ServerProgram,
    readonly port: number,
    private readonly folder: TempDir,
  ) {}

  /** Serves again after `down`. */
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

async function configure(folder: string, port: number, options: MosquittoOptions): Promise<string> {
  const { user, tls, maxPacketBytes } = options;
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  const lines = ['user root', `listener ${port} 127.0.0.1`, 'allow_duplicate_messages true', 'max_queued_messages 0'];
  if (maxPacketBytes !== undefined) lines.push(`max_packet_size ${maxPacketBytes}`);
  if (tls !== undefined) lines.push(`certfile ${file('cert.pem', tls.cert)}`, `keyfile ${file('key.pem', tls.key)}`);
  if (tls?.clientCa !== undefined)
    lines.push(`cafile ${file('ca.pem', tls.clientCa)}`, 'require_certificate true', 'use_identity_as_username true');
  if (user === undefined) lines.push('allow_anonymous true');
  else {
    const passwords = join(folder, 'passwords');
    await run('mosquitto_passwd', ['-b', '-c', passwords, user.username, user.password]);
    lines.push('allow_anonymous false', `password_file ${passwords}`);
  }
  return file('mosquitto.conf', lines.join('\n'));
}
