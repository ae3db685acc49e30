import { type MigrationInterface, type QueryRunner, Table, TableColumn } from 'typeorm';
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

/** Secrets of type `data`. */
export class SecretData1700000012000 implements MigrationInterface {
  readonly name = 'SecretData1700000012000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.addColumn('secrets', new TableColumn({ name: 'data', type: 'text', isNullable: true }));
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropColumn('secrets', 'data');
  }
}
