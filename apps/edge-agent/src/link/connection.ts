import { checkHub } from '@selvage/pki';
import { type DownFrame, EdgeError, frames, isErrorCode, type UpFrame } from '@selvage/protocol';
import { encodeFrame, decodeDown } from '@selvage/wire';
import { type RawData, WebSocket } from 'ws';

/** Key and certificate of this node, and the roots that the hub's certificate must come from, PEM. */
export interface LinkIdentity {
  readonly key: string;
  readonly chain: string;
  readonly ca: string;
}

export interface ConnectionEvents {
  opened(): void;
  frame(frame: DownFrame): void;
  /** Told once; `error` is why. */
  closed(error: EdgeError): void;
}

const HANDSHAKE_MS = 20_000;
const MIB = 1024 * 1024;
/** A hub that leaves this much unread is given up. */
const MAX_BUFFERED = 16 * MIB;

/** One TLS connection to the hub that speaks frames; both sides have checked the other's certificate before the first one. */
export class Connection {
  readonly #socket: WebSocket;
  readonly #events: ConnectionEvents;
  #why: EdgeError | undefined;
  #over = false;

  constructor(hubUrl: string, identity: LinkIdentity, events: ConnectionEvents) {
    this.#events = events;
    this.#socket = open(hubUrl, identity);
    this.#socket.on('open', () => {
      events.opened();
    });
    this.#socket.on('message', (data) => {
      this.#take(data);
    });
    this.#socket.on('error', (error) => {
      this.#why ??= unreachable(hubUrl, error);
    });
    this.#socket.on('close', () => {
      if (this.#over) return;
      this.#over = true;
      events.closed(this.#why ?? new EdgeError('hub_unreachable', 'The hub closed the link.'));
    });
  }

  send(frame: UpFrame): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    if (this.#socket.bufferedAmount > MAX_BUFFERED)
      this.end(new EdgeError('hub_unreachable', 'The hub stopped reading.'));
    else this.#socket.send(encodeFrame(frame));
  }

  /** Ends it, for a reason of our own unless the hub gave one. */
  end(why: EdgeError): void {
    this.#why ??= why;
    this.#socket.terminate();
  }

  #take(data: RawData): void {
    try {
      const frame = decodeDown(bytesOf(data));
      if (frame.t === 'refused') this.#why = refusal(frame.code, frame.detail);
      this.#events.frame(frame);
    } catch (thrown) {
      this.end(new EdgeError('bad_request', 'The hub sent what is no frame of the link.', { cause: thrown }));
    }
  }
}

function open(hubUrl: string, { key, chain, ca }: LinkIdentity): WebSocket {
  const url = new URL(frames.LINK_PATH, hubUrl);
  url.protocol = 'wss:';
  // Handed on to TLS as they are; ws' own types do not know them.
  const tls: object = { ALPNProtocols: [frames.LINK_ALPN], checkServerIdentity: checkHub };
  return new WebSocket(url, {
    key,
    cert: chain,
    ca,
    minVersion: 'TLSv1.2',
    ...tls,
    handshakeTimeout: HANDSHAKE_MS,
    maxPayload: frames.MAX_FRAME_DOWN,
    perMessageDeflate: false,
    followRedirects: false,
  });
}

function refusal(code: string, detail: string): EdgeError {
  return new EdgeError(isErrorCode(code) ? code : 'forbidden', detail);
}

function unreachable(hubUrl: string, { message }: Error): EdgeError {
  return new EdgeError('hub_unreachable', `${hubUrl}: ${message}`);
}

function bytesOf(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}
