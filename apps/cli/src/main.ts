import { configOf } from './config.js';
import { run } from './index.js';
import { outputTo, wait } from './world/index.js';

const stop = new AbortController();
const config = configOf();

// The first signal ends what is going on in good order, the second one ends the process.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    stop.abort();
  });
}
process.exitCode = await run(process.argv.slice(2), {
  config,
  in: process.stdin,
  out: outputTo(process.stdout, config.mayColor),
  err: outputTo(process.stderr, config.mayColor),
  signal: stop.signal,
  now: Date.now,
  wait,
});
