import { type MigrationInterface, type QueryRunner, Table, TableColumn } from 'typeorm';

/** Up to where the messages of nodes have been written down. */
export class Messages1700000001600 implements MigrationInterface {
  readonly name = 'Messages1700000001600';

  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      new Table({
        name: 'message_positions',
        columns: [
          { name: 'project', type: 'text', isPrimary: true },
          { name: 'node', type: 'text', isPrimary: true },
          { name: 'epoch', type: 'text', isPrimary: true },
          { name: 'lane', type: 'text', isPrimary: true },
          { name: 'seq', type: 'bigint' },
          { name: 'rejected', type: 'text' },
        ],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('message_positions');
  }
}

/** When each of them was last written. */
export class MessagesTouched1700000001700 implements MigrationInterface {
  readonly name = 'MessagesTouched1700000001700';

  async up(runner: QueryRunner): Promise<void> {
    await runner.addColumn('message_positions', new TableColumn({ name: 'touched_at', type: 'bigint', default: 0 }));
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropColumn('message_positions', 'touched_at');
  }
}
