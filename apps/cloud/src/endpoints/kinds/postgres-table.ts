import type { Outgoing } from './kind.js';

/** Columns by their names and types; `id` is the key by which a message that comes again is known. */
const COLUMNS = {
  id: 'text',
  project: 'text',
  route: 'text',
  node: 'text',
  device: 'text',
  topic: 'text',
  at: 'timestamptz',
  content_type: 'text',
  payload: 'bytea',
  json: 'jsonb',
} as const;
type Column = keyof typeof COLUMNS;
const NAMES = Object.keys(COLUMNS) as Column[];
const REQUIRED = new Set<Column>(['project', 'route', 'topic', 'at', 'payload']);

/** A message as a row; `json` has its payload once more when that is JSON. */
export type Row = Readonly<Record<Column, string | Buffer | null>>;

export function rowOf({ message, route }: Outgoing): Row {
  const payload = Buffer.from(message.payload);
  return {
    id: message.id,
    project: route.project,
    route: route.name,
    node: message.node ?? null,
    device: message.device ?? null,
    topic: message.topic,
    at: new Date(message.at).toISOString(),
    content_type: message.contentType ?? null,
    payload,
    json: jsonOf(payload),
  };
}

/** `table` has passed its schema: letters, digits, `_`, and one dot at most. */
export function createTable(table: string): string {
  const columns = NAMES.map((name) =>
    [name, COLUMNS[name], ...(name === 'id' ? ['PRIMARY KEY'] : REQUIRED.has(name) ? ['NOT NULL'] : [])].join(' '),
  );
  return `CREATE TABLE IF NOT EXISTS ${quoted(table)} (${columns.join(', ')})`;
}

/** Takes an array for each column. */
export function insert(table: string): string {
  const arrays = NAMES.map((name, index) => `$${index + 1}::${COLUMNS[name]}[]`).join(', ');
  return `INSERT INTO ${quoted(table)} (${NAMES.join(', ')}) SELECT * FROM unnest(${arrays}) ON CONFLICT (id) DO NOTHING`;
}

export function columnsOf(rows: readonly Row[]): (string | Buffer | null)[][] {
  return NAMES.map((name) => rows.map((row) => row[name]));
}

function quoted(table: string): string {
  return table
    .split('.')
    .map((part) => `"${part}"`)
    .join('.');
}

function jsonOf(payload: Buffer): string | null {
  const text = payload.toString('utf8');
  try {
    JSON.parse(text);
    return text;
  } catch {
    return null;
  }
}
