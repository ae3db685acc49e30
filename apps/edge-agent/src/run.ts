import { systemClock, withDeadline } from '@selvage/reconcile';
import type { Logger } from 'pino';
import { Agent } from './agent.js';
import { readConfig } from './config.js';
import { createLog } from './log.js';

const STOP_MS = 9_000;
/** The longest that a timer can wait. */
const LONGEST_MS = 2_147_483_647;

/** Runs the agent until it is told to stop; gives the exit code. Containers go on. */
export async function run(folder: string): Promise<number> {
  const config = readConfig(folder);
  const log = createLog(config.logLevel);
  const agent = new Agent({ config, log });
  const told = signalled();
  // Sockets and timers of the agent do not keep the process alive by themselves.
  const alive = setInterval(() => undefined, LONGEST_MS);
  try {
    await Promise.race([agent.start(), told.signal]);
    const signal = await told.signal;
    log.info({ signal }, 'the agent was told to stop');
    return 0;
  } finally {
    await stopped(agent, log);
    clearInterval(alive);
    told.forget();
  }
}

async function stopped(agent: Agent, log: Logger): Promise<void> {
  try {
    await withDeadline({ clock: systemClock, ms: STOP_MS, what: 'stopping' }, () => agent.stop());
    log.info('the agent stopped');
  } catch (error) {
    log.warn({ err: error }, 'the agent ends without having stopped');
  }
}

function signalled(): { readonly signal: Promise<string>; readonly forget: () => void } {
  const { promise: signal, resolve } = withResolvers<string>();
  const signals = ['SIGTERM', 'SIGINT'] as const;
  for (const name of signals) process.on(name, resolve);
  return {
    signal,
    forget: () => {
      for (const name of signals) process.off(name, resolve);
    },
  };
}

function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
