import type { TestProject } from 'vitest/node';
// By its file: Vitest loads a global setup without the condition that makes packages mean their sources.
import { startPostgres } from '../../libs/testkit/src/postgres.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** URL of a PostgreSQL server for the hubs under test; it ends with `/`. */
    postgres: string;
  }
}

/** Starts one server for all files of a project; gives what stops it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startPostgres();
  project.provide('postgres', server.url);
  return () => server.stop();
}
