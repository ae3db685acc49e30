import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';

export class Projects1700000002000 implements MigrationInterface {
  readonly name = 'Projects1700000002000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      new Table({
        name: 'projects',
        columns: [
          { name: 'name', type: 'text', isPrimary: true },
          { name: 'description', type: 'text' },
          { name: 'created_at', type: 'text' },
        ],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('projects');
  }
}
