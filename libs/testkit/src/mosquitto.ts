import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PortServer } from './server-program.js';

const run = promisify(execFile);

/** PEM texts: `clientCa` asks clients for certificates of that authority. */
export interface MosquittoOptions {
  readonly user?: { readonly username: string; readonly password: string };
  readonly tls?: { readonly cert: string; readonly key: string; readonly clientCa?: string };
  /** Packets beyond that end the connection. */
  readonly maxPacketBytes?: number;
}

/** Debian's mosquitto on a free port of 127.0.0.1. Throws when the package is not installed. */
export function startMosquitto(options: MosquittoOptions = {}): Promise<PortServer> {
  return PortServer.start('mosquitto', async (folder, port) => {
    const config = await configure(folder, port, options);
    return { command: ['mosquitto', '-c', config], package: 'mosquitto' };
  });
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
