import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { endpoints } from '@selvage/protocol';
import { buildImage, removeImages, tempDir, uniqueName, until } from '@selvage/testkit';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { appOn, containersOf, instanceOf, removeContainersOf } from '../stage/containers.js';
import { Csrs, P256, rsa } from '../stage/csrs.js';
import { postEnrolment } from '../stage/enrolment.js';
import type { RawAnswer } from '../stage/raw-request.js';
import { AgentProcess, HubProcess, params } from '../stage/site.js';

/** Debian's package `faketime` makes a program believe in another time. */
const FAKETIME = '/usr/$LIB/faketime/libfaketimeMT.so.1';

describe('a join', () => {
  const hub = new HubProcess();
  const csrs = new Csrs();
  const join = (token: string, csr: unknown): Promise<RawAnswer> =>
    postEnrolment(hub, '/join', JSON.stringify({ token, csr }));

  beforeAll(() => hub.start());
  afterAll(async () => {
    csrs.remove();
    await hub.close();
  });

  const extension = (text: string): string[] => ['-addext', text];
  it.each<[string, () => Promise<string>]>([
    ["somebody else's name", () => csrs.make(P256, ['-subj', '/CN=default\\/other'])],
    ["somebody else's name besides", () => csrs.make(P256, extension('subjectAltName=DNS:other.example'))],
    ['the wish to be an authority', () => csrs.make(P256, extension('basicConstraints=critical,CA:TRUE'))],
    ['an RSA key of 1024 bits', () => csrs.make(rsa(1024))],
    ['an RSA key with exponent 3', () => csrs.make(rsa(2048, 3))],
    ['a secp256k1 key', () => csrs.make(['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:secp256k1'])],
    ['an Ed448 key', () => csrs.make(['-algorithm', 'ED448'])],
    ['a signature of SHA-1', () => csrs.make(rsa(2048), ['-sha1'])],
    ['a signature that does not hold', () => csrs.forged()],
    ['a certificate for a request', () => csrs.make(P256, ['-x509'])],
    ['a torn request', async () => (await csrs.make(P256)).replace(/\n.{20}/, '\n')],
    ['no PEM', () => Promise.resolve('hello')],
    ['nothing', () => Promise.resolve('')],
  ])('with %s is refused, and its token is still good', async (_what, make) => {
    const token = await hub.joinToken('csr');
    expect(await join(token, await make())).toMatchObject({ status: 400, body: { code: 'csr_refused' } });
    expect((await hub.node('csr')).status.state).toBe('never_joined');
    expect(await join(token, await csrs.make(P256))).toMatchObject({ status: 200, body: { node: 'csr' } });
    await hub.client.call(endpoints.nodes.remove, params('csr'));
  });

  it.each([
    ['a request of 100 kB', JSON.stringify('x'.repeat(100_000)), { status: 413, body: { code: 'body_too_large' } }],
    ['a request of 20 kB', JSON.stringify('x'.repeat(20_000)), { status: 400, body: { code: 'bad_request' } }],
    ['a number for a request', '1', { status: 400, body: { code: 'bad_request' } }],
    ['a key too many', '"", "more": 1', { status: 400, body: { code: 'bad_request' } }],
    ['half a body', '"', { status: 400, body: { code: 'bad_request' } }],
  ])('with %s is refused, and its token is still good', async (_what, csr, refusal) => {
    const token = await hub.joinToken('body');
    const answer = await postEnrolment(hub, '/join', `{ "token": ${JSON.stringify(token)}, "csr": ${csr} }`);
    expect(answer).toMatchObject(refusal);
    expect(answer.body).toMatchObject({
      message: expect.any(String) as string,
      requestId: expect.any(String) as string,
    });
    expect(await join(token, await csrs.make(P256))).toMatchObject({ status: 200 });
    await hub.client.call(endpoints.nodes.remove, params('body'));
  });

  it.each(['RSA', 'P-384', 'ED25519'])('with a %s key, which we make none of, is good', async (kind) => {
    const keys: Record<string, string[]> = {
      RSA: rsa(2048),
      'P-384': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'],
      ED25519: ['-algorithm', 'ED25519'],
    };
    const csr = await csrs.make(keys[kind] ?? [], ['-subj', '/CN=default\\/good']);
    expect(await join(await hub.joinToken('good'), csr)).toMatchObject({ status: 200, body: { node: 'good' } });
  });
});

describe('a join token', () => {
  it('is of no use when its hour is over, and says so', async () => {
    const env = { LD_PRELOAD: FAKETIME, FAKETIME: '-2h', FAKETIME_DONT_FAKE_MONOTONIC: '1' };
    const past = new HubProcess({ env });
    onTestFinished(() => past.close());
    await past.start();
    expect(past.program.output).toContain(new Date(Date.now() - 7_200_000).toISOString().slice(0, 11));
    const token = await past.joinToken('late');
    past.program.set({ LD_PRELOAD: '', FAKETIME: '' });
    await past.restart('SIGTERM');
    const agent = new AgentProcess('late');
    const refused = await agent.run(...past.joinArguments(token));
    expect(refused).toMatchObject({ code: 1, output: expect.stringContaining('expired') as string });
    await agent.join(past);
    await agent.close();
  });
});

describe('a manifest', () => {
  const hub = new HubProcess();
  const folder = tempDir();
  const file = join(folder.path, 'app.yaml');
  const good = `kind: App\nname: good\nspec:\n  placement: { nodes: [n1] }\n  containers:\n    - { name: c, image: "nginx:1" }\n`;
  const apps = async (): Promise<string[]> =>
    (await hub.client.call(endpoints.apps.list, { params: { project: 'default' } })).items.map(({ name }) => name);

  beforeAll(async () => {
    await hub.start();
    await hub.client.call(endpoints.nodes.put, { ...params('n1'), body: { spec: {} } });
  });
  afterAll(async () => {
    await hub.close();
    folder.remove();
  });

  it.each([
    ['an unknown key', good.replace('image:', 'imagge:'), /app\.yaml:13:\d+ spec\.containers\[0\]\.imagge/],
    ['an unknown kind', good.replace('App', 'Pod'), /app\.yaml:8:1 kind/],
    ['an invalid image', good.replace('nginx:1', 'NGINX:::1'), /app\.yaml:13:\d+ spec\.containers\[0\]\.image/],
    ['a mount out of a folder', mounting(good, '/srv/../etc'), /app\.yaml:13:\d+ spec\.containers\[0\]\.mounts/],
    ['a tab', good.replace('  placement', '\tplacement'), /app\.yaml:\d+:\d+/],
  ])('with %s is refused by file, line and column, and nothing of the file is sent', async (_what, bad, says) => {
    writeFileSync(file, `${good}---\n${bad.replace('name: good', 'name: bad')}`);
    const { code, output } = await hub.cli('apply', '-f', file);
    expect({ code, output }).toMatchObject({ code: 1, output: expect.stringMatching(says) as string });
    expect(await apps()).toEqual([]);
  });

  it('with one host port twice is refused', async () => {
    const ports = '[{ containerPort: 80, hostPort: 80 }, { containerPort: 81, hostPort: 80 }]';
    writeFileSync(file, good.replace('"nginx:1"', `"nginx:1", ports: ${ports}`));
    const { code, output } = await hub.cli('apply', '-f', file);
    expect({ code, output }).toMatchObject({ code: 1, output: expect.stringContaining('twice') as string });
    expect(await apps()).toEqual([]);
  });

  it.each(['/var/run/docker.sock', '/srv/docker.sock', '/', '/etc/passwd', '/var/lib', '/proc/1/root', '//etc'])(
    'that mounts %s is refused by the hub',
    async (path) => {
      writeFileSync(file, mounting(good, path));
      const { code, output } = await hub.cli('apply', '-f', file);
      expect({ code, output }).toMatchObject({
        code: 1,
        output: expect.stringMatching(/never mounted|must/) as string,
      });
      expect(await apps()).toEqual([]);
    },
  );
});

describe('what a node finds wrong by itself', () => {
  const hub = new HubProcess();
  const allowed = tempDir();
  const agent = new AgentProcess('strict', { SELVAGE_MOUNT_ALLOW_LIST: allowed.path });
  const image = `${uniqueName('selvage-bad')}:1`;

  beforeAll(async () => {
    await hub.start();
    await buildImage(image);
    await agent.join(hub);
    agent.program.start();
    await hub.nodeIs('strict', 'ready');
  });
  afterAll(async () => {
    await agent.close();
    await removeContainersOf(hub, 'strict');
    await removeImages([image]);
    await hub.close();
    allowed.remove();
  });

  const put = (name: string, container: object): Promise<unknown> => {
    const spec = appOn('strict', [{ name: 'c', image, ...container }]) as never;
    return hub.client.call(endpoints.apps.put, { ...params(name), body: { labels: {}, spec } });
  };
  const becomes = (name: string, is: object): Promise<void> =>
    until(
      async () => {
        const instance = await instanceOf(hub, name);
        return Object.entries(is).every(
          ([key, value]) => new Map(Object.entries(instance?.containers[0] ?? {})).get(key) === value,
        );
      },
      { timeoutMs: 60_000, describe: async () => `${name}: ${JSON.stringify(await instanceOf(hub, name))}` },
    );

  it('a link inside the allow-list that leads out of it is not mounted; the others go on', async () => {
    symlinkSync('/etc', join(allowed.path, 'link'));
    await put('linked', { mounts: [{ hostPath: join(allowed.path, 'link'), path: '/x' }] });
    await put('plain', { mounts: [{ hostPath: join(allowed.path, 'data'), path: '/x' }] });
    await becomes('linked', { reason: 'mount_forbidden' });
    await becomes('plain', { state: 'running' });
    expect(await containersOf(hub, 'strict', 'linked')).toEqual([]);
    rmSync(join(allowed.path, 'link'));
    mkdirSync(join(allowed.path, 'link'));
    await becomes('linked', { state: 'running' });
  });

  it('its own database when that is damaged: it is moved aside, and the node comes back with its apps untouched', async () => {
    const before = (await containersOf(hub, 'strict', 'plain')).map(({ Id }) => Id);
    await agent.program.stop();
    const database = join(agent.data.path, 'agent.db');
    writeFileSync(database, 'this is no database '.repeat(1000));
    for (const end of ['-wal', '-shm']) rmSync(database + end, { force: true });
    agent.program.start();
    await hub.nodeIs('strict', 'ready');
    await put('after', {});
    await becomes('after', { state: 'running' });
    expect((await containersOf(hub, 'strict', 'plain')).map(({ Id }) => Id)).toEqual(before);
    expect(agent.program.output).toContain('moved aside');
    expect(readdirSync(agent.data.path).filter((name) => name.includes('.broken-'))).not.toEqual([]);
  });

  it('its configuration, with every problem at once', async () => {
    const other = new AgentProcess('misconfigured', { SELVAGE_API_PORT: 'many', SELVAGE_DOCKER_SOCKET: 'docker.sock' });
    writeFileSync(join(other.data.path, 'agent.json'), '{ "logLevel": "loud", "mountAllowList": "/srv", "extra": 1 }');
    const { code, output } = await other.run('run');
    expect(code).toBe(78);
    for (const name of ['SELVAGE_API_PORT', 'SELVAGE_DOCKER_SOCKET', 'logLevel', 'mountAllowList', 'extra'])
      expect(output).toContain(name);
    writeFileSync(join(other.data.path, 'agent.json'), '{ "logLevel": ');
    expect(await other.run('run')).toMatchObject({ code: 78, output: expect.stringContaining('agent.json') as string });
    await other.close();
  });

  it('its identity when that is damaged', async () => {
    const other = new AgentProcess('damaged');
    await other.join(hub);
    writeFileSync(join(other.data.path, 'identity.json'), '{"hubUrl":"https://127.0.0.1');
    expect(await other.run('run')).toMatchObject({ code: 78, output: expect.stringContaining('damaged') as string });
    await other.close();
  });
});

describe('a hub with a damaged key file', () => {
  it('ends, says which file, leaves everything as it is, and comes back with the right one', async () => {
    const hub = new HubProcess();
    onTestFinished(() => hub.close());
    await hub.start();
    await hub.client.call(endpoints.nodes.put, { ...params('kept'), body: { spec: {} } });
    const file = join(hub.data, 'hub', 'master.key');
    const key = readFileSync(file);
    for (const bytes of [key.subarray(0, 12), Buffer.alloc(0), Buffer.alloc(32, 7)]) {
      await hub.program.stop();
      hub.program.clear();
      writeFileSync(file, bytes);
      hub.program.start();
      expect(await hub.program.ended()).toBe(78);
      expect(hub.program.output).toMatch(/master\.key|authority\.json/);
      expect(readFileSync(file)).toEqual(bytes);
    }
    writeFileSync(file, key);
    await hub.start();
    expect((await hub.node('kept')).name).toBe('kept');
  });
});

describe('an agent whose disk is full', () => {
  const hub = new HubProcess();
  const agent = new AgentProcess('full');
  const image = `${uniqueName('selvage-full')}:1`;
  const ballast = join(agent.data.path, 'ballast');
  const put = (name: string, env: object[]): Promise<unknown> => {
    const spec = appOn('full', [{ name: 'c', image, env }]) as never;
    return hub.client.call(endpoints.apps.put, { ...params(name), body: { labels: {}, spec } });
  };
  const runs = (name: string): Promise<void> =>
    until(async () => (await instanceOf(hub, name))?.state === 'running', {
      timeoutMs: 150_000,
      describe: async () =>
        `${name}: ${JSON.stringify(await instanceOf(hub, name))}\n${agent.program.output.slice(-3000)}`,
    });

  beforeAll(async () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=6m,mode=0700', 'tmpfs', agent.data.path]);
    await hub.start();
    await buildImage(image);
    await agent.join(hub);
    agent.program.start();
    await hub.nodeIs('full', 'ready');
  });
  afterAll(async () => {
    await agent.program.stop();
    execFileSync('umount', [agent.data.path]);
    await agent.close();
    await removeContainersOf(hub, 'full');
    await removeImages([image]);
    await hub.close();
  });

  it('says so, keeps what runs and stays connected, and takes up the rest when there is room', async () => {
    await put('before', []);
    await runs('before');
    const [kept] = await containersOf(hub, 'full', 'before');
    agent.program.clear();
    fill(ballast);
    await put(
      'large',
      Array.from({ length: 30 }, (_, n) => ({ name: `V${n}`, value: 'x'.repeat(32_000) })),
    );
    await until(() => /disk is full|ENOSPC|no space left/.test(agent.program.output), {
      timeoutMs: 60_000,
      describe: () => `the agent to say so; it said\n${agent.program.output}`,
    });
    const { status } = await hub.nodeIs('full', 'ready');
    expect(status.storedRevision).toBeLessThan(status.desiredRevision ?? 0);
    expect((await containersOf(hub, 'full', 'before'))[0]).toMatchObject({ Id: kept?.Id, State: 'running' });
    rmSync(ballast);
    await runs('large');
    expect((await containersOf(hub, 'full', 'before'))[0]?.Id).toBe(kept?.Id);
  });
});

function mounting(manifest: string, path: string): string {
  return manifest.replace('"nginx:1"', `"nginx:1", mounts: [{ hostPath: "${path}", path: /x }]`);
}

/** Takes all room that is left where this file is. */
function fill(file: string): void {
  try {
    writeFileSync(file, Buffer.alloc(64 * 1024 * 1024));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
  expect(existsSync(file) && statSync(file).size).toBeGreaterThan(100_000);
}
