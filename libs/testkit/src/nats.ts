import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PortServer } from './server-program.js';

export interface NatsOptions {
  readonly user?: { readonly username: string; readonly password: string; readonly maySend?: string };
  readonly token?: string;
  /** PEM texts. */
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly maxPayload?: number;
}

/** Debian's nats-server with JetStream on a free port of 127.0.0.1. Throws when the package is not installed. */
export function startNats(options: NatsOptions = {}): Promise<PortServer> {
  return PortServer.start('nats', (folder, port) => {
    const config = join(folder, 'nats.conf');
    writeFileSync(config, configuration(folder, port, options), { mode: 0o600 });
    return { command: ['nats-server', '-c', config], package: 'nats-server' };
  });
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
