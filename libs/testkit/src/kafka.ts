import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ServerProgram } from './server-program.js';

const run = promisify(execFile);
const LISTENS = /bootstrap\.servers .*replaced with (\S+)/;

/** A message as Debian's `kcat` prints it. */
export interface KafkaRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly ts: number;
  readonly key: string | null;
  readonly payload: string | null;
  readonly headers?: readonly string[];
}

/**
 * The mock cluster of librdkafka, which Debian's `kcat` runs: it speaks Kafka's protocol over TCP and keeps what it gets in memory. It
 * knows neither TLS nor logins. Throws when the package is not installed.
 */
export async function startKafka({ brokers = 1 }: { readonly brokers?: number } = {}): Promise<Kafka> {
  const cluster = ['-X', `test.mock.num.brokers=${brokers}`];
  const program = new ServerProgram({
    command: ['kcat', '-b', 'mock', ...cluster, '-C', '-t', 'nothing'],
    package: 'kcat',
  });
  try {
    await program.start(() => LISTENS.test(program.output));
    return new Kafka(program, LISTENS.exec(program.output)?.[1]?.split(',') ?? []);
  } catch (error) {
    await program.stop('SIGKILL');
    throw error;
  }
}

export class Kafka {
  constructor(
    private readonly program: ServerProgram,
    /** `host:port` of each broker. */
    readonly brokers: readonly string[],
  ) {}

  /** Everything in a topic, partition by partition. */
  async records(topic: string): Promise<KafkaRecord[]> {
    const args = ['-b', this.brokers.join(','), '-C', '-t', topic, '-o', 'beginning', '-e', '-q', '-J'];
    const { stdout } = await run('kcat', args, { timeout: 20_000, maxBuffer: 64 * 1024 * 1024 });
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as KafkaRecord);
  }

  /** Ends for good, with all that was in it. */
  stop(): Promise<void> {
    return this.program.stop('SIGKILL');
  }
}
