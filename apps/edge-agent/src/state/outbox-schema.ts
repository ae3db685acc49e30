/**
 * Tables of `outbox.db`. `lanes` counts the messages up to `meta.counted`; what came after is few, and counted at the next start, so
 * that appending is one statement.
 */
export const TABLES = `
  CREATE TABLE IF NOT EXISTS meta (one INTEGER PRIMARY KEY CHECK (one = 1), epoch TEXT NOT NULL, counted INTEGER NOT NULL,
    born INTEGER NOT NULL, wall INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS lanes (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, count INTEGER NOT NULL, bytes INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS messages (seq INTEGER PRIMARY KEY, lane INTEGER NOT NULL, at INTEGER NOT NULL, born INTEGER NOT NULL,
    expires INTEGER, key TEXT, size INTEGER NOT NULL, body BLOB NOT NULL);
  CREATE INDEX IF NOT EXISTS messages_by_lane ON messages (lane, seq);
  CREATE INDEX IF NOT EXISTS messages_by_end ON messages (expires) WHERE expires IS NOT NULL;
  CREATE TABLE IF NOT EXISTS dead (seq INTEGER PRIMARY KEY, lane INTEGER NOT NULL, at INTEGER NOT NULL, born INTEGER NOT NULL,
    expires INTEGER, key TEXT, size INTEGER NOT NULL, body BLOB NOT NULL, code TEXT NOT NULL, detail TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS drops (lane TEXT NOT NULL, reason TEXT NOT NULL, count INTEGER NOT NULL, bytes INTEGER NOT NULL,
    first INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (lane, reason));`;

export const FIRST_META = `INSERT INTO meta (one, epoch, counted, born, wall) VALUES (1, ?1, 0, 0, 0) ON CONFLICT DO NOTHING`;
export const META = `SELECT epoch, counted, born, wall FROM meta`;
export const SET_META = `UPDATE meta SET counted = ?1, born = ?2, wall = ?3`;

export const LANES = `SELECT id, name, count, bytes FROM lanes`;
/** `?1`: JSON list of [id, name, count, bytes]. */
export const SET_LANES = `INSERT INTO lanes (id, name, count, bytes)
  SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'), json_extract(value, '$[3]')
  FROM json_each(?1) WHERE true ON CONFLICT (id) DO UPDATE SET count = excluded.count, bytes = excluded.bytes`;
export const TAIL = `SELECT lane, count(*) AS count, sum(size) AS bytes FROM messages WHERE seq > ?1 GROUP BY lane`;
export const LAST = `SELECT max(seq) AS seq FROM (SELECT max(seq) AS seq FROM messages UNION ALL SELECT max(seq) FROM dead)`;
export const NEWEST = `SELECT born FROM messages ORDER BY seq DESC LIMIT 1`;

/**
 * `?1`: JSON list of [seq, lane, at, born, expires, key, size, offset, length]; `?2`: all bodies one after the other. Two values,
 * however many messages.
 */
export const APPEND = `INSERT INTO messages (seq, lane, at, born, expires, key, size, body)
  SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'), json_extract(value, '$[3]'),
    json_extract(value, '$[4]'), json_extract(value, '$[5]'), json_extract(value, '$[6]'),
    substr(?2, json_extract(value, '$[7]') + 1, json_extract(value, '$[8]'))
  FROM json_each(?1)`;
/** `?1`: JSON list of sequences. */
export const REMOVE = `DELETE FROM messages WHERE seq IN (SELECT value FROM json_each(?1))`;
/** `?1`: JSON list of [seq, code, detail]. */
export const BURY = `INSERT INTO dead (seq, lane, at, born, expires, key, size, body, code, detail)
  SELECT seq, lane, at, born, expires, messages.key, size, body, json_extract(value, '$[1]'), json_extract(value, '$[2]')
  FROM json_each(?1) CROSS JOIN messages ON seq = json_extract(value, '$[0]')`;
export const UNBURY = `DELETE FROM dead WHERE seq IN (SELECT value FROM json_each(?1))`;
/** `?1`: JSON list of [lane, reason, count, bytes, first, last]. */
export const SET_DROPS = `INSERT OR REPLACE INTO drops (lane, reason, count, bytes, first, last)
  SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'), json_extract(value, '$[3]'),
    json_extract(value, '$[4]'), json_extract(value, '$[5]') FROM json_each(?1)`;
export const DROPS = `SELECT lane, reason, count, bytes, first, last FROM drops`;

const HEAD = 'seq, lane, at, born, size';
/** The first messages of a lane after a sequence that have room together; the first one always. */
export const READ = `SELECT ${HEAD}, expires, key, body FROM messages WHERE seq IN (
    SELECT seq FROM (SELECT seq, sum(size) OVER (ORDER BY seq ROWS UNBOUNDED PRECEDING) AS total, row_number() OVER (ORDER BY seq) AS row
      FROM (SELECT seq, size FROM messages WHERE lane = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3))
    WHERE total <= ?4 OR row = 1)
  ORDER BY seq`;
export const HEADS = `SELECT ${HEAD} FROM messages WHERE lane = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3`;
export const EXPIRED = `SELECT ${HEAD} FROM messages WHERE expires <= ?1 ORDER BY expires LIMIT ?2`;
export const DEAD_HEADS = `SELECT ${HEAD} FROM dead ORDER BY seq`;
export const DEAD = `SELECT ${HEAD}, expires, key, body, code, detail FROM dead WHERE seq > ?1 ORDER BY seq LIMIT ?2`;
