/** Thousands of simulated nodes in one process, told by its parent what to do. */
import { createSecureContext } from 'node:tls';
import { systemClock } from '@selvage/reconcile';
import { WebSocket } from 'ws';
import { CallRegistry } from '../../../apps/edge-agent/src/link/index.js';
import { type Application, apply, eachOf, enrol } from './enrol.js';
import { keepContexts } from './kept-contexts.js';
import { firstWith, type Order, type OrderName, type Orders } from './orders.js';
import { SimulatedNode } from './simulated-node.js';

const silent = { debug: nothing, info: nothing, warn: nothing, error: nothing };
const together = { calls: new CallRegistry(), clock: systemClock, log: silent };
const applications: Application[] = [];
const nodes: SimulatedNode[] = [];
const bare: WebSocket[] = [];
let starting: NodeJS.Timeout | undefined;

const work: { [K in OrderName]: (input: Orders[K]['input']) => Promise<Orders[K]['answer']> | Orders[K]['answer'] } = {
  prepare: async ({ recruits }) => {
    await eachOf(recruits, 8, async (recruit) => {
      applications.push(await apply(recruit));
    });
    return applications.length;
  },

  enrol: async ({ hubUrl, ca, atOnce }) => {
    const trust = createSecureContext({ ca, minVersion: 'TLSv1.2' });
    await eachOf(applications.splice(0), atOnce, async (application) => {
      nodes.push(new SimulatedNode(application.index, await enrol(application, hubUrl, trust)));
    });
    nodes.sort((a, b) => a.index - b.index);
    return nodes.length;
  },

  connect: ({ hubUrl, count, perSecond }) => {
    for (const node of nodes) if (node.index >= count && node.started) node.stop();
    const missing = nodes.filter((node) => node.index < count && !node.started);
    startAtPace(missing, perSecond, (node) => {
      node.start(hubUrl, together);
    });
    return missing.length;
  },

  status: () => {
    const open = bare.filter(({ readyState }) => readyState === WebSocket.OPEN).length;
    const reason = nodes.find((node) => node.started && !node.connected)?.reason ?? '';
    return { connected: nodes.filter(({ connected }) => connected).length + open, reason };
  },

  watch: ({ on }) => {
    for (const { desired } of nodes) desired.watched = on ? [] : undefined;
    return nodes.length;
  },

  stored: ({ revision, times }) => {
    const moments = nodes.flatMap(({ desired }) => firstWith(revision, desired.watched) ?? []);
    return { count: moments.length, times: times ? moments : [] };
  },

  bare: ({ url, ca, count, perSecond }) => {
    for (const socket of bare.splice(0)) socket.terminate();
    const some = nodes.filter(({ index }) => index < count);
    startAtPace(some, perSecond, ({ identity: { key, chain } }) => {
      const socket = new WebSocket(url, { key, cert: chain, ca, perMessageDeflate: false });
      socket.on('error', nothing);
      bare.push(socket);
    });
    return some.length;
  },
};

/** A few every few milliseconds, as a fleet that is switched on; the next call replaces what is left of this one. */
function startAtPace(some: readonly SimulatedNode[], perSecond: number, start: (node: SimulatedNode) => void): void {
  clearInterval(starting);
  const from = performance.now();
  const rest = [...some].reverse();
  starting = setInterval(() => {
    const due = some.length - (performance.now() - from) * (perSecond / 1000);
    while (rest.length > Math.max(0, due)) {
      const node = rest.pop();
      if (node !== undefined) start(node);
    }
    if (rest.length === 0) clearInterval(starting);
  }, 10);
}

async function take(order: Order): Promise<void> {
  try {
    const run = work[order.name] as (input: Order['input']) => unknown;
    process.send?.({ id: order.id, answer: await run(order.input) });
  } catch (error) {
    process.send?.({ id: order.id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}

function nothing(): void {
  // The driver asks for what it wants to know.
}

keepContexts();
process.on('message', (order) => {
  void take(order as Order);
});
process.on('disconnect', () => process.exit(0));
