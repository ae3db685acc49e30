import assert from 'node:assert/strict';
import { EdgeError } from '@selvage/protocol';
import type { Container, ContainerRequest, Docker, EngineEvent, Labels } from './docker.js';
import { bareRequest } from './test-request.js';

/** What the contract needs to try an engine on. Everything it makes carries `labels`, and names begin with `prefix`. */
export interface Subject {
  readonly docker: Docker;
  /** An image that is here and whose default command runs until it is stopped. */
  readonly present: string;
  /** `repository:tag` of an image that a registry has, and one that it does not have. */
  readonly pullable: string;
  readonly missing: string;
  readonly prefix: string;
  readonly labels: Labels;
  /** A port of the host that nobody uses. */
  readonly freePort: number;
}

interface Clause {
  readonly name: string;
  readonly run: (subject: Subject) => Promise<void>;
}

/** What every engine does, the real one and the one in memory. Each clause removes what it makes. */
export const dockerContract: readonly Clause[] = [
  {
    name: 'says who it is',
    run: async ({ docker }) => {
      await docker.ping();
      assert.match((await docker.info()).arch, /^[a-z0-9]+$/);
    },
  },
  {
    name: 'takes a container through its life, and every verb twice',
    run: (subject) =>
      withContainer(subject, async (id) => {
        const { docker, labels, prefix } = subject;
        const made = await seen(docker, id);
        assert.deepEqual([made.phase, made.image, made.stopTimeout], ['created', subject.present, 1]);
        await twice(() => docker.start(id));
        const running = await seen(docker, id);
        assert.equal(running.phase, 'running');
        assert.ok(running.startedAt);
        assert.equal(running.finishedAt, undefined);
        const [line, ...others] = await docker.list(labels);
        assert.deepEqual([line?.id, line?.name, line?.ports, others], [id, `${prefix}-one`, [], []]);
        assert.deepEqual({ ...line?.labels, ...labels }, line?.labels);
        await twice(() => docker.stop(id, 0));
        assert.equal((await seen(docker, id)).phase, 'exited');
        await docker.start(id);
        await twice(() => docker.remove(id));
        assert.equal(await docker.inspect(id), undefined);
        await docker.stop(id, 0);
      }),
  },
  {
    name: 'finds a container by its name and refuses a second one of that name',
    run: (subject) =>
      withContainer(subject, async (id) => {
        const { docker, prefix } = subject;
        assert.equal((await docker.inspect(`${prefix}-one`))?.id, id);
        assert.equal(await docker.inspect(`${prefix}-two`), undefined);
        await refuses('already_exists', () => docker.create(`${prefix}-one`, request(subject)));
      }),
  },
  {
    name: 'lets one running container hold a port and frees it when that one stops',
    run: async (subject) => {
      const { docker, prefix, freePort } = subject;
      const first = await docker.create(`${prefix}-first`, request(subject, freePort));
      const second = await docker.create(`${prefix}-second`, request(subject, freePort));
      try {
        await docker.start(first);
        const [held] = (await docker.list(subject.labels))
          .filter(({ id }) => id === first)
          .flatMap(({ ports }) => ports);
        assert.equal(held?.hostPort, freePort);
        assert.equal(held.protocol, 'tcp');
        assert.equal((await seen(docker, second)).ports[0]?.hostPort, freePort);
        await refuses('port_taken', () => docker.start(second));
        await docker.stop(first, 0);
        await docker.start(second);
      } finally {
        await docker.remove(first);
        await docker.remove(second);
      }
    },
  },
  {
    name: 'fetches an image and says its digest',
    run: async ({ docker, pullable, missing }) => {
      const signal = AbortSignal.timeout(60_000);
      const digest = await docker.pull(pullable, { signal });
      assert.match(digest ?? '', /^sha256:[0-9a-f]{64}$/);
      const image = await docker.image(pullable);
      const pinned = `${pullable.slice(0, pullable.lastIndexOf(':'))}@${digest ?? ''}`;
      assert.ok(image);
      assert.ok(image.digests.includes(pinned));
      assert.deepEqual(await docker.image(pinned), image);
      assert.equal((await docker.image(image.id))?.id, image.id);
      await refuses('image_pull_failed', () => docker.pull(missing, { signal }));
      assert.equal(await docker.image(missing), undefined);
    },
  },
  {
    name: 'tells what happens to the labelled containers, and to no others',
    run: async (subject) => {
      const { docker, labels, prefix } = subject;
      const signal = AbortSignal.timeout(60_000);
      const events = await docker.events(labels, signal);
      const others = await docker.events({ ...labels, other: 'yes' }, signal);
      await withContainer(subject, async (id) => {
        await docker.start(id);
        await docker.stop(id, 0);
      });
      assert.deepEqual(await actions(events, 'die'), ['start', 'kill', 'die']);
      const plain = request(subject);
      const other = await docker.create(`${prefix}-other`, { ...plain, Labels: { ...labels, other: 'yes' } });
      await docker.remove(other);
      assert.deepEqual(await actions(others, 'destroy'), ['destroy']);
    },
  },
  {
    name: 'keeps a volume, with its first labels, until nobody uses it',
    run: async (subject) => {
      const { docker, prefix, labels } = subject;
      const name = `${prefix}-data`;
      assert.deepEqual(await docker.createVolume(name, labels), { name, labels });
      assert.deepEqual((await docker.createVolume(name, { other: 'label' })).labels, labels);
      assert.deepEqual(await docker.volumes(labels), [{ name, labels }]);
      const mounts = [{ Type: 'volume', Source: name, Target: '/data', ReadOnly: false }] as const;
      const plain = request(subject);
      const user = await docker.create(`${prefix}-user`, {
        ...plain,
        HostConfig: { ...plain.HostConfig, Mounts: mounts },
      });
      await refuses('in_use', () => docker.removeVolume(name));
      await docker.remove(user);
      await twice(() => docker.removeVolume(name));
      assert.deepEqual(await docker.volumes(labels), []);
    },
  },
];

async function withContainer(subject: Subject, run: (id: string) => Promise<void>): Promise<void> {
  const id = await subject.docker.create(`${subject.prefix}-one`, request(subject));
  try {
    await run(id);
  } finally {
    await subject.docker.remove(id);
  }
}

function request({ present, labels }: Subject, hostPort?: number): ContainerRequest {
  return bareRequest({ image: present, labels, ...(hostPort !== undefined && { hostPort }) });
}

async function seen(docker: Docker, id: string): Promise<Container> {
  const container = await docker.inspect(id);
  assert.ok(container);
  return container;
}

async function twice(run: () => Promise<void>): Promise<void> {
  await run();
  await run();
}

async function refuses(code: string, run: () => Promise<unknown>): Promise<void> {
  await assert.rejects(run, (error) => error instanceof EdgeError && error.code === code);
}

/** The actions up to the last one; the engine tells of each signal, so that several kills count as one. */
async function actions(events: AsyncIterable<EngineEvent>, last: string): Promise<string[]> {
  const known = ['start', 'kill', 'die', 'destroy'];
  const found: string[] = [];
  for await (const { action } of events) {
    if (known.includes(action) && found.at(-1) !== action) found.push(action);
    if (action === last) break;
  }
  return found;
}
