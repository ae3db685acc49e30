import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';

export class Audit1700000003000 implements MigrationInterface {
  readonly name = 'Audit1700000003000';

  async up(runner: QueryRunner): Promise<void> {
    const texts = ['at', 'actor', 'action', 'target', 'outcome', 'request_id', 'hash'].map((name) => ({
      name,
      type: 'text',
    }));
    await runner.createTable(
      new Table({
        name: 'audit',
        columns: [
          { name: 'id', type: 'integer', isPrimary: true },
          { name: 'project', type: 'text', isNullable: true },
          ...texts,
        ],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('audit');
  }
}
