/** Builds the checkout unless it is built already, as `npm start` does. */
import { resolve } from 'node:path';
import { buildOf } from './checkout.mjs';

const problem = buildOf(resolve(import.meta.dirname, '..'), console.log);
if (problem !== undefined) {
  console.error(problem);
  process.exitCode = 1;
}
