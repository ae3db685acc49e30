import { type DynamicModule, Module, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Database } from './database.js';
import { MasterKey } from './master-key.js';
import { Retention } from './retention.js';

/** Makes the database and the master key, which are open before Nest starts, available everywhere, and forgets what slices say. */
@Module({})
export class DbModule implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(private readonly retention: Retention) {}

  static with(database: Database, masterKey: MasterKey): DynamicModule {
    const providers = [
      { provide: Database, useValue: database },
      { provide: MasterKey, useValue: masterKey },
      Retention,
    ];
    return { module: DbModule, global: true, providers, exports: [Database, MasterKey, Retention] };
  }

  onApplicationBootstrap(): void {
    this.retention.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.retention.stop();
  }
}
