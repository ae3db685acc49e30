import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';

export class Users1700000001000 implements MigrationInterface {
  readonly name = 'Users1700000001000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      new Table({
        name: 'users',
        columns: [
          { name: 'username', type: 'text', isPrimary: true },
          { name: 'password_hash', type: 'text' },
          { name: 'role', type: 'text' },
        ],
      }),
    );
    await runner.createTable(
      new Table({
        name: 'tokens',
        columns: [
          { name: 'id', type: 'text', isPrimary: true },
          { name: 'name', type: 'text', isNullable: true, isUnique: true },
          { name: 'username', type: 'text' },
          { name: 'role', type: 'text' },
          { name: 'projects', type: 'text', isNullable: true },
          { name: 'created_at', type: 'text' },
          { name: 'expires_at', type: 'text', isNullable: true },
          { name: 'last_used_at', type: 'text', isNullable: true },
        ],
        indices: [{ name: 'tokens_expires_at', columnNames: ['expires_at'] }],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('tokens');
    await runner.dropTable('users');
  }
}
