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
  // `npm start` and the guides as they are, and those say SQLite.
  'test/flows/guide.test.ts',
  'test/flows/guide-routes.test.ts',
  'test/flows/start.test.ts',
  'test/flows/demo.test.ts',
  // What an agent does while its engine is away; the hub only watches.
  'test/flows/docker-away.test.ts',
  // What is installed without any hub.
  'test/flows/device-sdk-package.test.ts',
  // The node's broker and what it keeps on its own disk.
  'test/flows/broker.test.ts',
  'test/faults/broker-kills.test.ts',
  'test/faults/twin-kills.test.ts',
  'test/faults/route-kills.test.ts',
  'test/faults/outbox.test.ts',
  'test/faults/power-cuts.test.ts',
];

/**
 * Files of flows and faults that run side by side, each with its own hub, agents, ports and folders. They wait more than they work,
 * and some say how quick a thing has to be: two are what a machine of two cores does without strain.
 */
const SITES = 2;
/** As many as there are cores; without this one of them does nothing. */
const ALL_CORES = '100%';

export default defineConfig({
  test: {
    projects: [
      {
        ...shared,
        test: {
          name: 'unit',
          sequence: { groupOrder: 0 },
          maxWorkers: ALL_CORES,
          include: ['{apps,libs}/*/src/**/*.test.ts', 'test/architecture/**/*.test.ts', 'tools/**/*.test.ts'],
          testTimeout: 60_000,
        },
      },
      {
        ...shared,
        test: {
          name: 'flows',
          sequence: { groupOrder: 2 },
          include: ['test/flows/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          maxWorkers: SITES,
        },
      },
      {
        ...shared,
        test: {
          name: 'flows-postgres',
          sequence: { groupOrder: 4 },
          include: ['test/{flows,faults}/**/*.test.ts'],
          exclude: WITHOUT_HUB_DATABASE,
          globalSetup: 'test/stage/postgres-server.ts',
          setupFiles: 'test/stage/hubs-on-postgres.ts',
          testTimeout: 600_000,
          hookTimeout: 300_000,
          maxWorkers: SITES,
        },
      },
      {
        ...shared,
        test: {
          name: 'conformance',
          sequence: { groupOrder: 1 },
          maxWorkers: ALL_CORES,
          include: ['test/conformance/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      {
        ...shared,
        test: {
          name: 'faults',
          sequence: { groupOrder: 3 },
          include: ['test/faults/**/*.test.ts'],
          testTimeout: 600_000,
          hookTimeout: 300_000,
          maxWorkers: SITES,
        },
      },
    ],
  },
});
