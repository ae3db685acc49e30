import { inject } from 'vitest';

// Read by `hub-database.ts`. Through the environment, so that hubs are started the same way outside of tests.
process.env.SELVAGE_TEST_POSTGRES = inject('postgres');
