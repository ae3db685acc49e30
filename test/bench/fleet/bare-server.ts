/** What the same connections cost without a hub: mutual TLS and the raw WebSocket library, answering what it hears. */
import { createServer } from 'node:https';
import { WebSocketServer } from 'ws';

/** Certificates of the server, PEM, from its parent. */
export interface BareCredentials {
  readonly key: string;
  readonly cert: string;
  readonly clientRoots: string;
}

process.on('message', (given) => {
  const { key, cert, clientRoots } = given as BareCredentials;
  const server = createServer({ key, cert, ca: clientRoots, requestCert: true, rejectUnauthorized: true });
  const sockets = new WebSocketServer({ server, perMessageDeflate: false, clientTracking: false });
  sockets.on('connection', (socket) => {
    socket.on('message', (data) => {
      socket.send(data);
    });
    socket.on('error', () => {
      socket.terminate();
    });
  });
  server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => {
    const address = server.address();
    process.send?.({ port: typeof address === 'object' ? address?.port : 0 });
  });
});
process.on('disconnect', () => process.exit(0));
