import { type MigrationInterface, type QueryRunner, Table, type TableColumnOptions } from 'typeorm';

export class Twins1700000009000 implements MigrationInterface {
  readonly name = 'Twins1700000009000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(new Table({ name: 'twin_keys', columns: keyColumns() }));
    await runner.createTable(
      new Table({
        name: 'twin_events',
        columns: [idColumn(runner), ...eventColumns()],
        indices: [
          {
            name: 'twin_events_once',
            columnNames: ['device', 'key', 'side', 'cloud', 'edge', 'moment'],
            isUnique: true,
          },
          { name: 'twin_events_key_at', columnNames: ['device', 'key', 'side', 'at'] },
          { name: 'twin_events_device_at', columnNames: ['device', 'at'] },
          { name: 'twin_events_at', columnNames: ['at'] },
        ],
      }),
    );
    await runner.createTable(new Table({ name: 'twin_gone', columns: [key('device')] }));
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['twin_gone', 'twin_events', 'twin_keys']) await runner.dropTable(table);
  }
}

/** SQLite counts up integers only; PostgreSQL's integers would be used up. */
function idColumn({ connection }: QueryRunner): TableColumnOptions {
  const type = connection.options.type === 'postgres' ? 'bigint' : 'integer';
  return { name: 'id', type, isPrimary: true, isGenerated: true, generationStrategy: 'increment' };
}

function keyColumns(): TableColumnOptions[] {
  const flags = ['optional', 'leaving'].map((name) => ({ name, type: 'boolean' }));
  const sides = ['expected', 'actual'].flatMap((side) => [
    ...['value', 'at', 'by'].map((part) => ({ name: `${side}_${part}`, type: 'text', isNullable: true })),
    ...['cloud', 'edge'].map((part) => ({ name: `${side}_${part}`, type: 'bigint' })),
  ]);
  return [key('device'), key('key'), { name: 'type', type: 'text' }, ...flags, ...sides];
}

function eventColumns(): TableColumnOptions[] {
  const texts = ['device', 'key', 'side', 'at', 'moment', 'by'].map((name) => ({ name, type: 'text' }));
  const counters = ['cloud', 'edge'].map((name) => ({ name, type: 'bigint' }));
  return [...texts, { name: 'value', type: 'text', isNullable: true }, ...counters];
}

function key(name: string): TableColumnOptions {
  return { name, type: 'text', isPrimary: true };
}
