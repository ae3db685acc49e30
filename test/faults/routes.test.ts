import { until } from '@selvage/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RoutePublisher } from '../stage/route-publisher.js';
import { RouteSite } from '../stage/route-site.js';

const TOPICS = ['a', 'b', 'c'].map((name) => `default/nodes/site/user/ledger/${name}`);

const FAULTS = [
  'cut',
  'killAgent',
  'cut',
  'cut',
  'killHub',
  'killAgent',
  'cut',
  'killHub',
  'cut',
  'killAgent',
] as const;
const ROUNDS = 40;

/** A ledger outside the processes under test: what a device was promised arrives at the web server, in the order of its topic. */
describe('messages of a route, on their way from a device to a web server', () => {
  let site: RouteSite;
  let publishers: RoutePublisher[];

  beforeEach(async () => {
    site = new RouteSite();
    await site.start();
    await site.route('ledger', 'user/ledger/+', { endpoint: 'hook', path: '/{1}' });
    publishers = TOPICS.map((topic) => new RoutePublisher(site.mqttPort, topic));
  });
  afterEach(() => site.close());

  const acknowledged = (): number => publishers.reduce((sum, { acknowledged: own }) => sum + own.length, 0);
  const more = async (count: number): Promise<void> => {
    const enough = acknowledged() + count;
    await until(() => acknowledged() >= enough, {
      timeoutMs: 60_000,
      everyMs: 1,
      describe: () => site.agent.program.output,
    });
  };
  /** Of each topic the numbers that came, each at its first time, by the id of its message. */
  const came = ({ topic }: RoutePublisher): number[] => {
    const seen = new Set<string>();
    return site.receiver
      .at(`/${topic.split('/').at(-1) ?? ''}`)
      .filter(({ id }) => !seen.has(id) && seen.add(id))
      .map(({ body }) => (JSON.parse(body.toString()) as { n: number }).n);
  };
  const missing = (): string[] =>
    publishers.flatMap((publisher) => {
      const there = new Set(came(publisher));
      return publisher.acknowledged.filter((n) => !there.has(n)).map((n) => `${publisher.topic} ${n}`);
    });
  const cut = async (): Promise<void> => {
    site.cable.pull();
    await more(20);
    site.cable.plug();
  };
  const faults = { cut, killHub: () => site.killHub(), killAgent: () => site.killAgent() };

  it('are not lost and come once, in order, while link, hub and agent are cut off and killed', async () => {
    // The node knows of the route when it says so.
    await until(async () => {
      const trial = new RoutePublisher(site.mqttPort, `${TOPICS[0] ?? ''}-trial`);
      trial.start();
      await until(() => trial.acknowledged.length > 5);
      await trial.stop();
      return site.receiver.received.length > 0;
    });
    for (const publisher of publishers) publisher.start();
    for (let round = 0; round < ROUNDS; round += 1) {
      await more(30 + ((round * 37) % 100));
      await faults[FAULTS[round % FAULTS.length] ?? 'cut']();
    }
    await more(50);
    for (const publisher of publishers) await publisher.stop();
    await until(() => missing().length === 0, {
      timeoutMs: 90_000,
      describe: () => `${missing().length} of ${acknowledged()} are missing: ${missing().slice(0, 10).join()}`,
    });
    for (const publisher of publishers) {
      const numbers = came(publisher);
      expect(numbers, publisher.topic).toEqual([...new Set(numbers)].sort((a, b) => a - b));
    }
    await site.drained('ledger');
    const { status } = await site.shown('ledger');
    expect([status.stats.dropped, status.stats.dead]).toEqual([[], 0]);
  });
});
