import { type MigrationInterface, type QueryRunner, Table, type TableColumnOptions, TableIndex } from 'typeorm';
import { resourceColumns } from '../db/index.js';

/** Routes, what is counted of them, and the outbox of the hub. */
export class Routes1700000014000 implements MigrationInterface {
  readonly name = 'Routes1700000014000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      new Table({
        name: 'routes',
        columns: [...resourceColumns(), text('uid'), text('target'), text('spec')],
        indices: [
          { name: 'routes_project_name', columnNames: ['project', 'name'], isUnique: true },
          { name: 'routes_target', columnNames: ['project', 'target'] },
        ],
      }),
    );
    const reports = [key('uid'), key('project'), key('node'), text('report')];
    await runner.createTable(new Table({ name: 'route_reports', columns: reports }));
    await runner.createTable(new Table({ name: 'route_counts', columns: [key('uid'), text('counts')] }));
    for (const table of outboxTables(runner.connection.options.type === 'postgres')) await runner.createTable(table);
  }

  async down(runner: QueryRunner): Promise<void> {
    const outbox = outboxTables(false).map(({ name }) => name);
    for (const table of ['routes', 'route_reports', 'route_counts', ...outbox]) await runner.dropTable(table);
  }
}

function outboxTables(postgres: boolean): Table[] {
  const whole = postgres ? 'bigint' : 'integer';
  const number = (name: string): TableColumnOptions => ({ name, type: whole });
  const message = [
    { ...number('seq'), isPrimary: true },
    text('lane'),
    number('at'),
    number('born'),
    { ...number('expires'), isNullable: true },
    { ...text('key'), isNullable: true },
    number('size'),
    { name: 'body', type: postgres ? 'bytea' : 'blob' },
  ];
  return [
    new Table({
      name: 'route_outbox',
      columns: [
        { name: 'one', type: 'integer', isPrimary: true },
        text('epoch'),
        ...['seq', 'born', 'wall'].map(number),
      ],
    }),
    new Table({
      name: 'route_messages',
      columns: message,
      indices: [
        { name: 'route_messages_lane', columnNames: ['lane', 'seq'] },
        { name: 'route_messages_expires', columnNames: ['expires'] },
      ],
    }),
    new Table({
      name: 'route_dead',
      columns: [...message, text('code'), text('detail')],
      indices: [{ name: 'route_dead_lane', columnNames: ['lane', 'seq'] }],
    }),
    new Table({
      name: 'route_drops',
      columns: [key('lane'), key('reason'), ...['count', 'bytes', 'first', 'last'].map(number)],
    }),
  ];
}

function text(name: string): TableColumnOptions {
  return { name, type: 'text' };
}

function key(name: string): TableColumnOptions {
  return { name, type: 'text', isPrimary: true };
}

/** Requests to the gateway that their callers have named. */
export class RouteRequests1700000015000 implements MigrationInterface {
  readonly name = 'RouteRequests1700000015000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      new Table({
        name: 'route_requests',
        columns: [key('id'), text('fingerprint'), { name: 'kept', type: 'boolean' }, text('at')],
        indices: [{ name: 'route_requests_at', columnNames: ['at'] }],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('route_requests');
  }
}

/** What lanes hold is counted from an index alone. */
export class RouteMessagesHeld1700000016000 implements MigrationInterface {
  readonly name = 'RouteMessagesHeld1700000016000';
  private readonly before = new TableIndex({ name: 'route_messages_lane', columnNames: ['lane', 'seq'] });
  private readonly after = new TableIndex({ name: 'route_messages_held', columnNames: ['lane', 'seq', 'size'] });

  async up(runner: QueryRunner): Promise<void> {
    await runner.createIndex('route_messages', this.after);
    await runner.dropIndex('route_messages', this.before);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.createIndex('route_messages', this.before);
    await runner.dropIndex('route_messages', this.after);
  }
}
