import type { DataSource, EntityManager } from 'typeorm';

/**
 * The one connection that SQLite is written through. When a disk is full or broken, SQLite ends a transaction by itself and the
 * rollback that follows fails too; TypeORM then believes the transaction to be open for ever, and would nest all later ones in it, where
 * nothing commits them. So a connection that was left like that is given up, and the next transaction gets a new one.
 */
export class SqliteWriter {
  constructor(private readonly source: DataSource) {}

  async open(): Promise<void> {
    await this.source.initialize();
    await this.source.query('PRAGMA synchronous = FULL');
  }

  /** Runs one transaction; the caller runs one after the other. */
  async transaction<T>(run: (tx: EntityManager) => Promise<T>): Promise<T> {
    if (!this.source.isInitialized) await this.open();
    try {
      return await this.source.transaction(run);
    } finally {
      if (this.source.createQueryRunner().isTransactionActive) await this.source.destroy();
    }
  }
}
