import { defineConfig } from 'vitest/config';

/** Nest needs legacy decorators with type metadata; the source condition makes libs resolve to TypeScript, unbuilt. */
const shared = {
  oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
  resolve: { conditions: ['@selvage/source'] },
  ssr: { resolve: { conditions: ['@selvage/source', 'node', 'module'] } },
};

/** Not again on PostgreSQL, since no hub's database has a part in them. */
const WITHOUT_HUB_DATABASE = [
  // The agent's adapter against a real engine: there is no hub.
  'test/flows/agent-docker.test.ts',
  // `npm start` and the guide as they are, and those say SQLite.
  'test/flows/guide.test.ts',
  'test/flows/start.test.ts',
  // What an agent does while its engine is away; the hub only watches.
  'test/flows/docker-away.test.ts',
  // The node's broker and what it keeps on its own disk.
  'test/flows/broker.test.ts',
  'test/faults/broker-kills.test.ts',
  'test/faults/twin-kills.test.ts',
  'test/faults/outbox.test.ts',
  'test/faults/power-cuts.test.ts',
];

export default defineConfig({
  test: {
    projects: [
      {
        ...shared,
        test: {
          name: 'unit',
          include: ['{apps,libs}/*/src/**/*.test.ts', 'test/architecture/**/*.test.ts', 'tools/**/*.test.ts'],
          testTimeout: 60_000,
        },
      },
      {
        ...shared,
        test: {
          name: 'flows',
          include: ['test/flows/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
      {
        ...shared,
        test: {
          name: 'flows-postgres',
          include: ['test/{flows,faults}/**/*.test.ts'],
          exclude: WITHOUT_HUB_DATABASE,
          globalSetup: 'test/stage/postgres-server.ts',
          setupFiles: 'test/stage/hubs-on-postgres.ts',
          testTimeout: 600_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
      {
        ...shared,
        test: {
          name: 'conformance',
          include: ['test/conformance/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      {
        ...shared,
        test: {
          name: 'faults',
          include: ['test/faults/**/*.test.ts'],
          testTimeout: 600_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
