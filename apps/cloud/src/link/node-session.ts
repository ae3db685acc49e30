import { type DownFrame, EdgeError, nodeKey, type NodeRef, type SectionHashes } from '@selvage/protocol';
import { encodeFrame } from '@selvage/wire';
import type { WebSocket } from 'ws';
import type { OpenCall } from './open-call.js';
import type { Session, Stored } from './session.js';

const MIB = 1024 * 1024;
/** A node that leaves this much unread is cut off: it holds more than two of the largest frames. */
const MAX_BUFFERED = 24 * MIB;
/** Code of a WebSocket that the hub closes for a reason it has told. */
const CLOSE_REFUSED = 4000;

/** What a node said of itself when it came. */
export interface Arrival {
  readonly ref: NodeRef;
  readonly serial: string;
  readonly agent: string;
  readonly boot: string;
  readonly stored: Stored;
  readonly reported: SectionHashes;
  /** Epoch milliseconds, and the moment on the clock that never jumps. */
  readonly now: number;
  readonly monotonic: number;
}

/** A live link with all that is kept of it: one small object per connected node. */
export class NodeSession implements Session {
  readonly ref: NodeRef;
  readonly key: string;
  readonly serial: string;
  readonly agent: string;
  readonly boot: string;
  readonly openedAt: number;
  heardAt: number;
  /** The same on the clock that never jumps: by this a silent link is found. */
  heardMonotonic: number;
  stored: Stored;
  /** Hashes of the reported sections that the hub has written down. */
  reported: SectionHashes;
  /** Calls under way by their id; absent while there is none. */
  calls: Map<number, OpenCall> | undefined;
  nextCall = 1;

  constructor(
    private readonly socket: WebSocket,
    { ref, serial, agent, boot, stored, reported, now, monotonic }: Arrival,
  ) {
    this.ref = ref;
    this.key = nodeKey(ref);
    this.serial = serial;
    this.agent = agent;
    this.boot = boot;
    this.openedAt = now;
    this.heardAt = now;
    this.heardMonotonic = monotonic;
    this.stored = stored;
    this.reported = reported;
  }

  send(frame: DownFrame): void {
    if (this.socket.readyState !== this.socket.OPEN) return;
    if (this.socket.bufferedAmount > MAX_BUFFERED) this.socket.terminate();
    else this.socket.send(encodeFrame(frame));
  }

  /** Tells why, and closes. */
  refuse(why: EdgeError): void {
    refuse(this.socket, why);
  }

  /** Cuts it off at once. */
  terminate(): void {
    this.socket.terminate();
  }

  /** Whether the peer answers within `ms`. */
  answers(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const over = (alive: boolean) => (): void => {
        clearTimeout(timer);
        this.socket.off('pong', yes).off('close', no);
        resolve(alive);
      };
      const [yes, no] = [over(true), over(false)];
      const timer = setTimeout(no, ms);
      this.socket.once('pong', yes).once('close', no).ping();
    });
  }
}

/** Says on a link why it ends, then ends it. */
export function refuse(socket: WebSocket, { code, detail, sentence }: EdgeError, retryAfterMs?: number): void {
  if (socket.readyState !== socket.OPEN) return;
  // An error that nobody foresaw may hold what is none of the node's business.
  const told = (detail === '' || code === 'internal' ? sentence : detail).slice(0, 1024);
  const frame = { t: 'refused', code, detail: told, ...(retryAfterMs !== undefined && { retryAfterMs }) } as const;
  socket.send(encodeFrame(frame));
  socket.close(CLOSE_REFUSED, code);
  // A peer that does not close its side is cut off.
  setTimeout(() => {
    socket.terminate();
  }, 3_000).unref();
}
