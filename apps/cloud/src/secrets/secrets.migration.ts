import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';
import { resourceColumns } from '../db/index.js';

export class Secrets1700000006000 implements MigrationInterface {
  readonly name = 'Secrets1700000006000';

  async up(runner: QueryRunner): Promise<void> {
    const texts = ['type', 'registry', 'username', 'sealed'].map((name) => ({ name, type: 'text' }));
    await runner.createTable(
      new Table({
        name: 'secrets',
        columns: [...resourceColumns(), ...texts],
        indices: [{ name: 'secrets_project_name', columnNames: ['project', 'name'], isUnique: true }],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('secrets');
  }
}
