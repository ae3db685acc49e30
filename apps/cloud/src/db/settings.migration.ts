import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';

/** The database's own name and its revision counter. */
export class Settings1700000000000 implements MigrationInterface {
  readonly name = 'Settings1700000000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      new Table({
        name: 'settings',
        columns: [
          { name: 'id', type: 'integer', isPrimary: true },
          { name: 'epoch', type: 'text' },
          { name: 'revision', type: 'integer' },
          { name: 'authority', type: 'text', isNullable: true },
          { name: 'key_check', type: 'text', isNullable: true },
        ],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('settings');
  }
}
