import { type MigrationInterface, type QueryRunner, Table, type TableColumnOptions } from 'typeorm';

export class Certificates1700000004000 implements MigrationInterface {
  readonly name = 'Certificates1700000004000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      new Table({
        name: 'certificates',
        columns: [
          { name: 'serial', type: 'text', isPrimary: true },
          ...texts('fingerprint', 'kind', 'project', 'name', 'not_before', 'not_after'),
          { name: 'revoked_at', type: 'text', isNullable: true },
          { name: 'revoked_reason', type: 'text', isNullable: true },
        ],
        indices: [
          { name: 'certificates_of', columnNames: ['project', 'name'] },
          { name: 'certificates_not_after', columnNames: ['not_after'] },
        ],
      }),
    );
    await runner.createTable(
      new Table({
        name: 'join_tokens',
        columns: [
          { name: 'id', type: 'text', isPrimary: true },
          ...texts('project', 'node', 'created_at', 'expires_at'),
          { name: 'used_key', type: 'text', isNullable: true },
          { name: 'used_at', type: 'text', isNullable: true },
          { name: 'revoked_at', type: 'text', isNullable: true },
        ],
        indices: [
          { name: 'join_tokens_of', columnNames: ['project', 'node'] },
          { name: 'join_tokens_expires_at', columnNames: ['expires_at'] },
        ],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('join_tokens');
    await runner.dropTable('certificates');
  }
}

function texts(...names: string[]): TableColumnOptions[] {
  return names.map((name) => ({ name, type: 'text' }));
}
