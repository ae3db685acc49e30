import 'reflect-metadata';
import { EdgeError, type ErrorCode } from '@selvage/protocol';
import { HubConfig } from './config.js';
import { createHub, type Hub, type HubAddresses } from './create-hub.js';
import { answerTo, UsageError } from './arguments.js';
import { createLog, type Logger } from './log/index.js';

const FAILED = 1;
const USAGE = 2;
/** `EX_CONFIG` of sysexits.h: starting again changes nothing before somebody has changed something. */
const NEEDS_HANDS = 78;
const HANDS: readonly ErrorCode[] = ['config_invalid', 'data_folder_in_use', 'database_damaged', 'key_file_unreadable'];
const STOP_MS = 10_000;

/** Runs the hub until a signal. */
async function main(): Promise<void> {
  const words = answerTo(process.argv.slice(2));
  if (words !== undefined) {
    process.stdout.write(`${words}\n`);
    return;
  }
  // Whatever the hub writes is for nobody else to read.
  process.umask(0o077);
  const config = HubConfig.fromEnvironment();
  const log = createLog(config.logLevel);
  dieLoudly(log);
  const hub = createHub(config, log);
  const starting = hub.start();
  stopOnSignals(hub, starting, log);
  greet(config, await starting);
}

function greet({ http }: HubConfig, { httpPort, linkPort, firstPassword }: HubAddresses): void {
  if (firstPassword !== undefined) {
    say(`First start: log in as "admin" with the password ${firstPassword.password}`);
    say(`It is shown this once and kept in ${firstPassword.file}; change it and delete that file.`);
  }
  const host = http.host.includes(':') ? `[${http.host}]` : http.host;
  say(`The hub is up at http://${host}:${httpPort}/ and waits for nodes on port ${linkPort}.`);
}

/** The first signal stops the hub, also one that is still starting; the second ends it at once. */
function stopOnSignals(hub: Hub, starting: Promise<unknown>, log: Logger): void {
  let stopping = false;
  const stop = async (signal: string): Promise<void> => {
    if (stopping) process.exit(FAILED);
    stopping = true;
    log.info({ signal }, 'hub stops');
    setTimeout(() => {
      log.fatal('hub did not stop in time');
      process.exit(FAILED);
    }, STOP_MS).unref();
    await Promise.allSettled([starting]);
    await hub.stop();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(signal));
}

/** After an error that nobody expected nothing can be relied on: a service manager starts the hub again. */
function dieLoudly(log: Logger): void {
  const die = (error: unknown): void => {
    log.fatal({ err: error }, 'hub died of an unexpected error');
    process.exit(FAILED);
  };
  process.on('uncaughtException', die);
  process.on('unhandledRejection', die);
}

function codeOf(error: unknown): number {
  if (error instanceof UsageError) return USAGE;
  return error instanceof EdgeError && HANDS.includes(error.code) ? NEEDS_HANDS : FAILED;
}

function wordsOf(error: unknown): string {
  if (error instanceof UsageError) return error.message;
  if (error instanceof EdgeError) return error.message;
  if (!(error instanceof Error)) return String(error);
  if ('code' in error && error.code === 'EADDRINUSE')
    return `${error.message}. Another program has the port: stop it, or set SELVAGE_HTTP_PORT or SELVAGE_LINK_PORT.`;
  // What the operating system refuses needs no stack: the words name the call and the path or the address.
  return 'syscall' in error ? error.message : (error.stack ?? error.message);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

try {
  await main();
} catch (error) {
  say(wordsOf(error));
  process.exit(codeOf(error));
}
