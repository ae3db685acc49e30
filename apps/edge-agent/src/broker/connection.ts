import type { Connection } from 'aedes';
import type { InnerClient } from './inner.js';

/**
 * Collects what is written to a connection within one turn of the event loop into one system call. It is aedes that writes, packet by
 * packet: a system call for each was 40 % of the broker's time. Counts what is written.
 */
export function coalesce(client: InnerClient): void {
  const connection: Connection = client.conn;
  const write = connection.write.bind(connection) as (...args: unknown[]) => boolean;
  client.written = 0;
  let corked = false;
  const flush = (): void => {
    corked = false;
    connection.uncork();
  };
  const collect = (...args: unknown[]): boolean => {
    const [bytes] = args;
    if (typeof bytes === 'string' || bytes instanceof Uint8Array) client.written += bytes.length;
    if (!corked && !connection.destroyed) {
      corked = true;
      connection.cork();
      setImmediate(flush);
    }
    return write(...args);
  };
  connection.write = collect as typeof connection.write;
}

/** Bytes of one client that are handled in one turn of the event loop, unless a single packet is longer. */
const BYTES_PER_TURN = 16 * 1024;

/** Lets a client that sends much take turns with the others: a flood of small messages would have the event loop for itself. */
export function takeTurns(client: InnerClient): void {
  const { conn, _parser: parser } = client;
  const read = conn.read.bind(conn);
  let taken = 0;
  const nextTurn = (): void => {
    taken = 0;
    // Nobody else asks for the rest: what is under way would.
    if (conn.readableLength > 0 && client._parsingBatch <= 0 && !client.closed) client._nextBatch();
  };
  conn.read = (size?: number): unknown => {
    const room = Math.max(BYTES_PER_TURN, parser.packet.length) - taken;
    if (room <= 0) return null;
    const bytes: unknown = read(conn.readableLength > room ? room : size);
    if (!Buffer.isBuffer(bytes)) return bytes;
    if (taken === 0) setImmediate(nextTurn);
    taken += bytes.length;
    return bytes;
  };
}
