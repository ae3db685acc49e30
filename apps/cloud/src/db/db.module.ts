import { type DynamicModule, Module } from '@nestjs/common';
import { Database } from './database.js';
import { MasterKey } from './master-key.js';

/** Makes the database and the master key, which are open before Nest starts, available everywhere. */
@Module({})
export class DbModule {
  static with(database: Database, masterKey: MasterKey): DynamicModule {
    const providers = [
      { provide: Database, useValue: database },
      { provide: MasterKey, useValue: masterKey },
    ];
    return { module: DbModule, global: true, providers, exports: [Database, MasterKey] };
  }
}
