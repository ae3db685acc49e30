import { type MigrationInterface, type QueryRunner, Table, type TableColumnOptions } from 'typeorm';
import { resourceColumns } from '../db/index.js';

export class Apps1700000007000 implements MigrationInterface {
  readonly name = 'Apps1700000007000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      new Table({
        name: 'apps',
        columns: [
          ...resourceColumns(),
          text('uid'),
          text('spec'),
          { ...text('pull_secret'), isNullable: true },
          text('host_ports'),
          { name: 'size', type: 'integer' },
        ],
        indices: [
          { name: 'apps_project_name', columnNames: ['project', 'name'], isUnique: true },
          { name: 'apps_pull_secret', columnNames: ['project', 'pull_secret'] },
        ],
      }),
    );
    await runner.createTable(
      new Table({
        name: 'instances',
        columns: [key('project'), key('node'), key('uid'), text('app'), text('instance'), text('reported_at')],
        indices: [{ name: 'instances_project_app', columnNames: ['project', 'app'] }],
      }),
    );
    await runner.createTable(
      new Table({ name: 'purges', columns: [key('project'), key('node'), key('uid'), text('app')] }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['purges', 'instances', 'apps']) await runner.dropTable(table);
  }
}

function text(name: string): TableColumnOptions {
  return { name, type: 'text' };
}

function key(name: string): TableColumnOptions {
  return { name, type: 'text', isPrimary: true };
}
