import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { WebSocketStream } from './ws-stream.js';

export interface WebSocketDoorOptions {
  /** Largest frame, bytes. */
  readonly maxPayload: () => number;
  readonly opened: (stream: WebSocketStream, socket: Duplex) => void;
}

const REQUEST_MS = 10_000;
const PATHS = new Set(['/', '/mqtt']);
/** Subprotocols of MQTT 3.1.1 [MQTT-6.0.0-3] and of clients that speak MQTT 3.1. */
const PROTOCOLS = ['mqtt', 'mqttv3.1'];

/** Turns connections into WebSockets that carry MQTT. */
export class WebSocketDoor {
  readonly #options: WebSocketDoorOptions;
  readonly #http: Server;

  constructor(options: WebSocketDoorOptions) {
    this.#options = options;
    const limits = { headersTimeout: REQUEST_MS, requestTimeout: REQUEST_MS, maxHeaderSize: 8 * 1024 };
    this.#http = createServer({ ...limits, connectionsCheckingInterval: REQUEST_MS / 2 }, (_request, answer) => {
      answer.writeHead(426, { connection: 'close' }).end();
    });
    this.#http.on('upgrade', (request, socket, head) => {
      this.#upgrade(request, socket, head);
    });
    this.#http.on('clientError', (_error, socket) => {
      socket.destroy();
    });
  }

  /** Takes a connection, plain or of TLS. */
  meet(socket: Duplex): void {
    this.#http.emit('connection', socket);
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((one) => one.trim());
    const protocol = PROTOCOLS.find((one) => offered.includes(one));
    if (!PATHS.has(path) || protocol === undefined) {
      socket.end(`HTTP/1.1 ${PATHS.has(path) ? 400 : 404} Refused\r\nconnection: close\r\n\r\n`);
      return;
    }
    const sockets = new WebSocketServer({
      ...{ noServer: true, clientTracking: false, perMessageDeflate: false },
      maxPayload: this.#options.maxPayload(),
      handleProtocols: () => protocol,
    });
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      this.#options.opened(new WebSocketStream(webSocket), socket);
    });
  }
}
