import { type MigrationInterface, type QueryRunner, Table, TableColumn } from 'typeorm';
import { resourceColumns } from '../db/index.js';

export class Nodes1700000005000 implements MigrationInterface {
  readonly name = 'Nodes1700000005000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      new Table({
        name: 'nodes',
        columns: [
          ...resourceColumns(),
          { name: 'enabled', type: 'boolean' },
          { name: 'description', type: 'text' },
          { name: 'joined_at', type: 'text', isNullable: true },
          { name: 'last_seen_at', type: 'text', isNullable: true },
          { name: 'facts', type: 'text', isNullable: true },
        ],
        indices: [{ name: 'nodes_name', columnNames: ['project', 'name'], isUnique: true }],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('nodes');
  }
}

export class NodeBrokers1700000010000 implements MigrationInterface {
  readonly name = 'NodeBrokers1700000010000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.addColumn('nodes', new TableColumn({ name: 'broker', type: 'text', isNullable: true }));
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropColumn('nodes', 'broker');
  }
}
