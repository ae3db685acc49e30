import { Inject, Injectable } from '@nestjs/common';
import type { ShownCertificate } from '@selvage/pki';
import { EdgeError, toEdgeError, type UpFrame } from '@selvage/protocol';
import { systemClock } from '@selvage/reconcile';
import { decodeUp, digest } from '@selvage/wire';
import type { RawData, WebSocket } from 'ws';
import { LOG, type Logger } from '../log/index.js';
import { InboundWriter } from './inbound-writer.js';
import { MessageWriter } from './messages-writer.js';
import { type NodeSession, refuse } from './node-session.js';
import { type Hello, Reception } from './reception.js';
import { Sessions } from './sessions.js';
import { Valve } from './valve.js';

const HELLO_MS = 15_000;
const KIB = 1024;
/** When a refused agent is to try again, by the reason; the others come back as their own back-off says. */
const RETRY_MS: Readonly<Partial<Record<string, number>>> = { overloaded: 2_000, identity_in_use: 15_000 };

/** Lets agents in and takes what they send. */
@Injectable()
export class Gateway {
  constructor(
    private readonly reception: Reception,
    private readonly sessions: Sessions,
    private readonly inbound: InboundWriter,
    private readonly messages: MessageWriter,
    @Inject(LOG) private readonly log: Logger,
  ) {}

  /** A WebSocket whose TLS handshake proved the certificate to be of our authority. */
  accept(socket: WebSocket, certificate: ShownCertificate): void {
    socket.on('error', this.broke);
    this.hearHello(socket, (data) => {
      socket.pause();
      void this.greet(socket, certificate, data);
    });
  }

  /** Nothing of this outlives the hello: the certificate in particular is not kept with the link. */
  private hearHello(socket: WebSocket, hello: (data: RawData) => void): void {
    const shy = setTimeout(() => {
      refuse(socket, new EdgeError('deadline_exceeded', `No hello within ${HELLO_MS} ms.`));
    }, HELLO_MS);
    const gone = (): void => {
      clearTimeout(shy);
    };
    socket.once('close', gone).once('message', (data) => {
      clearTimeout(shy);
      socket.off('close', gone);
      hello(data);
    });
  }

  /** One function for all links. */
  private readonly broke = ({ message }: Error): void => {
    this.log.debug({ reason: message }, 'a link broke');
  };

  private async greet(socket: WebSocket, certificate: ShownCertificate, data: RawData): Promise<void> {
    try {
      const session = await this.reception.admit(socket, certificate, helloOf(data));
      this.follow(socket, session);
      socket.resume();
    } catch (thrown) {
      const error = toEdgeError(thrown);
      if (error.code === 'internal') this.log.error({ err: thrown }, 'a node could not be let in');
      else this.log.info({ subject: certificate.subjectAltName, code: error.code }, 'refused a node');
      refuse(socket, error, RETRY_MS[error.code]);
    }
  }

  private follow(socket: WebSocket, session: NodeSession): void {
    if (socket.readyState !== socket.OPEN) return;
    socket.on('close', () => {
      this.sessions.remove(session);
      this.messages.forget(session);
      this.log.info({ node: session.key }, 'node disconnected');
    });
    const valve = new Valve(socket);
    socket.on('message', (data) => {
      // What a node says after it was refused, and before it is gone, is not heard.
      if (socket.readyState === socket.OPEN) this.take(session, valve, data);
    });
    this.sessions.add(session);
    this.log.info({ node: session.key, agent: session.agent }, 'node connected');
  }

  private take(session: NodeSession, valve: Valve, data: RawData): void {
    session.heardAt = systemClock.now();
    session.heardMonotonic = systemClock.monotonic();
    try {
      const frame = decodeUp(bytesOf(data));
      valve.cost(costOf(frame));
      if (frame.t === 'messages') this.messages.take(session, valve, frame);
      else this.handle(session, frame);
    } catch (thrown) {
      const error = toEdgeError(thrown);
      const why = error.code === 'internal' ? { err: thrown } : { code: error.code, problem: error.detail };
      this.log.warn({ ...why, node: session.key }, 'a node sent what is no frame of the link');
      session.refuse(error);
    }
  }

  private handle(session: NodeSession, frame: Exclude<UpFrame, { t: 'messages' }>): void {
    switch (frame.t) {
      case 'hello':
        throw new EdgeError('bad_request', 'There is one hello on a link.');
      case 'stored':
        session.stored = { position: frame.position, hashes: frame.desired };
        this.sessions.confirmed(session);
        return;
      case 'report':
        this.inbound.take(session, frame.section);
        return;
      case 'heartbeat':
        this.beat(session, frame.desired, frame.reported);
        return;
      case 'data':
        session.calls?.get(frame.id)?.data(frame.chunk);
        return;
      case 'end':
        session.calls?.get(frame.id)?.end();
        return;
      case 'fail':
        session.calls?.get(frame.id)?.failed(frame.code, frame.detail);
        return;
    }
  }

  /** What differs is put right from what is known to be there: nothing is assumed of either side. */
  private beat(session: NodeSession, desired: string, reported: string): void {
    session.send({ t: 'beat', reread: reported !== digest(session.reported) });
    if (desired === digest(session.stored.hashes)) return;
    session.stored = { position: session.stored.position, hashes: {} };
    this.sessions.confirmed(session);
  }
}

/** What taking a frame costs, in bytes of a report. Messages and answers to calls have bounds of their own. */
function costOf(frame: UpFrame): number {
  if (frame.t === 'report') return 4 * KIB + frame.section.body.byteLength;
  return frame.t === 'heartbeat' || frame.t === 'stored' ? 32 * KIB : 0;
}

function helloOf(data: RawData): Hello {
  const frame = decodeUp(bytesOf(data));
  if (frame.t === 'hello') return frame;
  throw new EdgeError('bad_request', 'The first frame of a link is the hello.');
}

function bytesOf(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}
