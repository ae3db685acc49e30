import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';
import { resourceColumns } from '../db/index.js';

export class Endpoints1700000013000 implements MigrationInterface {
  readonly name = 'Endpoints1700000013000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      new Table({
        name: 'endpoints',
        columns: [
          ...resourceColumns(),
          { name: 'kind', type: 'text' },
          { name: 'secret', type: 'text', isNullable: true },
          { name: 'spec', type: 'text' },
        ],
        indices: [
          { name: 'endpoints_project_name', columnNames: ['project', 'name'], isUnique: true },
          { name: 'endpoints_secret', columnNames: ['project', 'secret'] },
        ],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('endpoints');
  }
}
