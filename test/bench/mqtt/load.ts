/** The load as a program of its own: it does what it is told, one order after the other, and says how it went. */
import { connects, idle } from './connections-load.js';
import { flow } from './flow-load.js';
import { ingest } from './ingest-load.js';
import { latency } from './latency-load.js';
import type { Order } from './words.js';

process.on('message', (order: Order) => {
  run(order).then(
    (result) => process.send?.({ result }),
    (error: unknown) => process.send?.({ error: error instanceof Error ? (error.stack ?? error.message) : 'unknown' }),
  );
});
process.on('disconnect', () => process.exit());
process.send?.({ result: 'up' });

function run(order: Order): Promise<object> {
  switch (order.do) {
    case 'flow':
      return flow(order.flow);
    case 'latency':
      return latency(order.of);
    case 'ingest':
      return ingest(order.of);
    case 'idle':
      return idle(order.of);
    case 'connects':
      return connects(order.of);
  }
}
