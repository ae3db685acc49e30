import { Database } from './database.js';

/** Does to a database file what its agent would not. */
export async function execute(path: string, sql: string): Promise<void> {
  const database = await Database.open(path);
  await database.execute(sql);
  await database.close();
}
