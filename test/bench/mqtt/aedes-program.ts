/** Aedes as it comes, in memory: `node … FOLDER PORT TLS-PORT`. */
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { Aedes } from 'aedes';
import { answerCollect } from './collect.js';

const [folder = '', port = '', tlsPort = ''] = process.argv.slice(2);
const file = (name: string): string => readFileSync(join(folder, name), 'utf8');

const broker = await Aedes.createBroker();
createServer({ noDelay: true }, broker.handle).listen({ port: Number(port), host: '127.0.0.1', backlog: 1024 });
if (existsSync(join(folder, 'ca.pem'))) {
  const own = { key: file('server.key'), cert: file('server.pem'), ca: file('ca.pem') };
  createTlsServer({ ...own, requestCert: true, rejectUnauthorized: true }, broker.handle).listen({
    ...{ port: Number(tlsPort), host: '127.0.0.1', backlog: 1024 },
  });
}
answerCollect();
