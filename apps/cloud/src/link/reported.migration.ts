import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';

/** Hashes of what nodes reported. */
export class Reported1700000001500 implements MigrationInterface {
  readonly name = 'Reported1700000001500';

  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      new Table({
        name: 'reported',
        columns: [
          { name: 'project', type: 'text', isPrimary: true },
          { name: 'node', type: 'text', isPrimary: true },
          { name: 'section', type: 'text', isPrimary: true },
          { name: 'hash', type: 'text' },
        ],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('reported');
  }
}
