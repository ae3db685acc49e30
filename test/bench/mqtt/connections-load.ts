import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSecureContext, type SecureContext } from 'node:tls';
import { connectAll, RawClient, type Target } from './raw-client.js';
import type { At, Connects, Idle } from './words.js';

/** Opens connections, which stay until this process ends. */
export async function idle(wanted: Idle): Promise<{ connected: number }> {
  const clients = await connectAll(target(wanted), wanted.connections, wanted.prefix);
  return { connected: clients.length };
}

/** Connects, waits for the CONNACK and closes, again and again. */
export async function connects(wanted: Connects): Promise<{ connected: number }> {
  const at = target(wanted);
  const end = performance.now() + wanted.seconds * 1000;
  let connected = 0;
  const one = async (id: string): Promise<void> => {
    while (performance.now() < end) {
      const client = await RawClient.connect(at, id);
      client.socket.destroy();
      connected += 1;
    }
  };
  await Promise.all(Array.from({ length: wanted.sideBySide }, (_, index) => one(`c${index}`)));
  return { connected };
}

function target({ port, tls }: At): Target {
  return tls === undefined ? { port } : { port, secure: context(tls) };
}

function context(folder: string): SecureContext {
  const file = (name: string): Buffer => readFileSync(join(folder, name));
  return createSecureContext({ key: file('client.key'), cert: file('client.pem'), ca: file('ca.pem') });
}
