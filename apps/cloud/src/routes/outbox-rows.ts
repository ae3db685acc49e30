import type { Queued } from '@selvage/outbox';

/** A statement about many messages with few values: a value per message and column would cost more than the work. */
export interface Statement {
  readonly sql: string;
  readonly values: readonly unknown[];
}

const COLUMNS = '(seq, lane, at, born, expires, key, size, body)';

/** `$1`: all bodies one after the other; `$2`: JSON list of a list for each message, with place and length of its body. */
const SQLITE = `INSERT INTO route_messages ${COLUMNS}
  SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'), json_extract(value, '$[3]'),
    json_extract(value, '$[4]'), json_extract(value, '$[5]'), json_extract(value, '$[6]'),
    substr($1, json_extract(value, '$[7]') + 1, json_extract(value, '$[8]'))
  FROM json_each($2)`;

/** One list for each column. */
const POSTGRES = `INSERT INTO route_messages ${COLUMNS}
  SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::bigint[], $8::bytea[])`;

export function insertionOf(messages: readonly Queued[], dialect: 'sqlite' | 'postgres'): Statement {
  return dialect === 'sqlite' ? forSqlite(messages) : forPostgres(messages);
}

/** That a column is one of many whole numbers. */
export function amongOf(numbers: readonly number[], dialect: 'sqlite' | 'postgres'): Statement {
  return dialect === 'sqlite'
    ? { sql: 'IN (SELECT value FROM json_each($1))', values: [JSON.stringify(numbers)] }
    : { sql: '= ANY($1::bigint[])', values: [[...numbers]] };
}

function forSqlite(messages: readonly Queued[]): Statement {
  let offset = 1;
  // A first byte that belongs to nobody: no bytes at all would be NULL.
  const bodies: Uint8Array[] = [new Uint8Array(1)];
  const list = messages.map(({ seq, lane, at, born, expires = null, key = null, size, body }) => {
    const entry = [seq, lane, at, born, expires, key, size, offset, body.byteLength];
    offset += body.byteLength;
    bodies.push(body);
    return entry;
  });
  return { sql: SQLITE, values: [Buffer.concat(bodies, offset), JSON.stringify(list)] };
}

function forPostgres(messages: readonly Queued[]): Statement {
  const column = <T>(of: (message: Queued) => T): T[] => messages.map(of);
  return {
    sql: POSTGRES,
    values: [
      ...[column(({ seq }) => seq), column(({ lane }) => lane), column(({ at }) => at), column(({ born }) => born)],
      ...[column(({ expires = null }) => expires), column(({ key = null }) => key), column(({ size }) => size)],
      column(({ body }) => Buffer.from(body.buffer, body.byteOffset, body.byteLength)),
    ],
  };
}
