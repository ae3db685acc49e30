import fc from 'fast-check';
import { FakeClock, settled } from '@selvage/testkit';
import { describe, expect, it } from 'vitest';
import { FakeDocker } from '../docker/fake-docker.js';
import { bareRequest } from '../docker/test-request.js';
import { app, TestNode } from './test-node.js';

const HOUR = 3_600_000;
const images = ['registry:5000/web:1', 'registry:5000/web:2', 'built/here:1'];

/** An engine that notes when two containers of one place run at the same time. */
class WatchedDocker extends FakeDocker {
  readonly violations: string[] = [];

  override async start(id: string): Promise<void> {
    await super.start(id);
    const up = [...this.containers.values()].filter(({ phase }) => phase === 'running' || phase === 'paused');
    const places = up.flatMap(({ request: { Labels } }) =>
      Labels['io.selvage.uid'] === undefined
        ? []
        : [`${Labels['io.selvage.uid']}/${Labels['io.selvage.container'] ?? ''}`],
    );
    for (const place of new Set(places))
      if (places.filter((one) => one === place).length > 1) this.violations.push(`two run for ${place}`);
  }
}

/** A node in a world where anything may happen. */
class Play {
  readonly clock = new FakeClock();
  readonly docker = new WatchedDocker(() => this.clock.now());
  node = new TestNode({ clock: this.clock, docker: this.docker });
  wanted: ReturnType<typeof appsOf> = [];
  #foreign = '';

  async begin(): Promise<void> {
    for (const image of images.slice(0, 2)) this.docker.images.publish(image);
    this.docker.images.build('built/here:1');
    const foreign = await this.docker.create('foreign', foreignRequest);
    await this.docker.start(foreign);
    this.#foreign = await this.foreign();
    await this.node.start();
    await this.node.want([]);
  }

  async act(act: Act): Promise<void> {
    if (act.kind === 'want') await this.node.want((this.wanted = appsOf(act.apps)));
    if (act.kind === 'wait') await this.clock.advance(act.ms);
    if (act.kind === 'harm') this.harm(act.how, act.index);
    if (act.kind === 'engine') this.engine(act.how);
    if (act.kind === 'restart') this.node = await this.node.restart();
    await settled();
  }

  harm(how: 'kill' | 'exit' | 'pause' | 'discard', index: number): void {
    const ours = [...this.docker.containers.values()].filter(({ name }) => name !== 'foreign');
    const one = ours[index % Math.max(1, ours.length)];
    if (one === undefined) return;
    if (how === 'discard') this.docker.discard(one.id);
    else if (one.phase === 'running') this.docker[how](one.id, 1);
  }

  engine(how: 'down' | 'up' | 'freeze' | 'registry'): void {
    if (how === 'down') this.docker.down();
    if (how === 'up') this.docker.up();
    if (how === 'freeze') this.docker.freezeAfter(1);
    if (how === 'registry') this.docker.images.reachable = !this.docker.images.reachable;
  }

  /** The world becomes sane, and long enough passes for every waiting time. */
  async calm(): Promise<void> {
    this.docker.up();
    this.docker.images.reachable = true;
    this.node = await this.node.restart();
    await this.clock.advance(HOUR);
  }

  async expectConverged(): Promise<void> {
    const wanted = this.wanted.flatMap(({ name, containers }) =>
      containers.map((one) => `${name}/${one.name} running`),
    );
    expect(this.node.containers()).toEqual(wanted.sort());
    expect(this.node.reports.at(-1)?.instances.map(({ state }) => state)).toEqual(this.wanted.map(() => 'running'));
    const before = this.docker.calls.length;
    await this.clock.advance(HOUR);
    expect(this.docker.calls.slice(before)).toEqual([]);
    expect(this.docker.violations).toEqual([]);
    expect(await this.foreign()).toEqual(this.#foreign);
  }

  async foreign(): Promise<string> {
    return JSON.stringify(await this.docker.inspect('foreign'));
  }
}

const someContainer = fc.record({ image: fc.constantFrom(...images), value: fc.integer({ min: 0, max: 1 }) });
/** Up to four containers in two apps; their ports are dealt anew each time, so that they move from one to another. */
const someApps = fc.record({
  containers: fc.array(fc.option(someContainer), { minLength: 4, maxLength: 4 }),
  ports: fc.shuffledSubarray([8080, 8081, 8082, 8083], { minLength: 4 }),
  uid: fc.constantFrom('1', '2'),
});
type SomeApps = typeof someApps extends fc.Arbitrary<infer T> ? T : never;

const act = fc.oneof(
  fc.record({ kind: fc.constant('want' as const), apps: someApps }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(100_000) }),
  fc.record({
    kind: fc.constant('harm' as const),
    how: fc.constantFrom('kill' as const, 'exit' as const, 'pause' as const, 'discard' as const),
    index: fc.nat(7),
  }),
  fc.record({
    kind: fc.constant('engine' as const),
    how: fc.constantFrom('down' as const, 'up' as const, 'freeze' as const, 'registry' as const),
  }),
  fc.constant({ kind: 'restart' as const }),
);
type Act = typeof act extends fc.Arbitrary<infer T> ? T : never;

function appsOf({ containers, ports, uid }: SomeApps): ReturnType<typeof app>[] {
  const all = containers.map((one, index) => {
    const env = [{ name: 'V', value: String(one?.value) }];
    return { name: `c${index}`, image: one?.image, env, ports: [{ containerPort: 80, hostPort: ports[index] }] };
  });
  const [a, b] = [all.slice(0, 2), all.slice(2)].map((half) => half.filter(({ image }) => image !== undefined));
  const apps = [
    { name: 'a', containers: a ?? [] },
    { name: 'b', containers: b ?? [] },
  ];
  return apps
    .filter((one) => one.containers.length > 0)
    .map(({ name, containers: own }) => app(name, { uid: name + uid, containers: own }));
}

const foreignRequest = bareRequest({
  image: 'built/here:1',
  labels: { 'io.selvage.node': 'another/node', 'io.selvage.uid': 'a1', 'io.selvage.container': 'c9' },
});

describe('whatever happens', () => {
  it('a node comes to run each wanted container once, never two at a time, touches no other, and then rests', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 25 }), async (acts) => {
        const play = new Play();
        await play.begin();
        for (const one of acts) await play.act(one);
        await play.calm();
        await play.expectConverged();
        await play.node.stop();
      }),
      { numRuns: 60 },
    );
  });
});
