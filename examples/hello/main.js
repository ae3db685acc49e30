/** A sample app for a container: it says hello, and again every ten seconds, until it is stopped. */
import process from 'node:process';
import { clearInterval, setInterval } from 'node:timers';

let count = 0;
const hello = () => process.stdout.write(`hello from ${process.env.SITE ?? 'somewhere'}, ${(count += 1)}\n`);
hello();
const timer = setInterval(hello, 10_000);
for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => {
    clearInterval(timer);
  });
