import { type MigrationInterface, type QueryRunner, Table, TableColumn } from 'typeorm';

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
        ],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('settings');
  }
}

/** What the database says of whose it is. Some databases have the columns already: there they were made with the table. */
export class SettingsMarks1700000000500 implements MigrationInterface {
  readonly name = 'SettingsMarks1700000000500';

  async up(runner: QueryRunner): Promise<void> {
    for (const name of ['authority', 'key_check']) {
      if (await runner.hasColumn('settings', name)) continue;
      await runner.addColumn('settings', new TableColumn({ name, type: 'text', isNullable: true }));
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropColumns('settings', ['authority', 'key_check']);
  }
}

/** Whether the database takes changes, and by which time it forgets. */
export class SettingsTime1700000000600 implements MigrationInterface {
  readonly name = 'SettingsTime1700000000600';

  async up(runner: QueryRunner): Promise<void> {
    await runner.addColumns('settings', [
      new TableColumn({ name: 'probes', type: 'integer', default: 0 }),
      new TableColumn({ name: 'retention_time', type: 'text', isNullable: true }),
    ]);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropColumns('settings', ['probes', 'retention_time']);
  }
}
