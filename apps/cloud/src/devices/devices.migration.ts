import { type MigrationInterface, type QueryRunner, Table, type TableColumnOptions } from 'typeorm';
import { resourceColumns } from '../db/index.js';

export class Devices1700000008000 implements MigrationInterface {
  readonly name = 'Devices1700000008000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      new Table({
        name: 'device_models',
        columns: [...resourceColumns(), text('spec')],
        indices: [{ name: 'device_models_name', columnNames: ['project', 'name'], isUnique: true }],
      }),
    );
    await runner.createTable(devices());
    await runner.createTable(
      new Table({
        name: 'clients',
        columns: [...resourceColumns(), maybe('node'), text('spec'), { name: 'size', type: 'integer' }],
        indices: [
          { name: 'clients_name', columnNames: ['project', 'name'], isUnique: true },
          { name: 'clients_node', columnNames: ['project', 'node'] },
        ],
      }),
    );
    await runner.createTable(
      new Table({
        name: 'broker_logins',
        columns: [key('project'), key('username'), text('kind'), text('name'), text('password_hash')],
        indices: [{ name: 'broker_logins_of', columnNames: ['project', 'kind', 'name'], isUnique: true }],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['broker_logins', 'clients', 'devices', 'device_models']) await runner.dropTable(table);
  }
}

function devices(): Table {
  return new Table({
    name: 'devices',
    columns: [
      ...resourceColumns(),
      text('device_id'),
      maybe('model'),
      maybe('node'),
      text('spec'),
      { name: 'size', type: 'integer' },
      { name: 'twin_size', type: 'integer' },
      maybe('reported'),
      maybe('last_seen_at'),
    ],
    indices: [
      { name: 'devices_name', columnNames: ['project', 'name'], isUnique: true },
      { name: 'devices_id', columnNames: ['project', 'device_id'], isUnique: true },
      { name: 'devices_node', columnNames: ['project', 'node'] },
      { name: 'devices_model', columnNames: ['project', 'model'] },
    ],
  });
}

function text(name: string): TableColumnOptions {
  return { name, type: 'text' };
}

function maybe(name: string): TableColumnOptions {
  return { name, type: 'text', isNullable: true };
}

function key(name: string): TableColumnOptions {
  return { name, type: 'text', isPrimary: true };
}
