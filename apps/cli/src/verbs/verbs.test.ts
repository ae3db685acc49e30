import { execFileSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from '@selvage/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { cli, FakeHub, node, send } from '../fake-hub.js';

const hub = new FakeHub();
beforeAll(() => hub.start());
afterAll(() => hub.stop());
beforeEach(() => {
  hub.reset();
});

describe('selvage login', () => {
  let folder = tempDir();
  const context = (): string => join(folder.path, 'selvage', 'cli.json');
  beforeEach(() => {
    folder = tempDir();
    hub.on('POST /api/v1/login', { token: 'fresh', expiresAt: '2030-01-02T00:00:00Z', role: 'admin' });
  });
  afterEach(() => {
    folder.remove();
  });
  // Without SELVAGE_URL and SELVAGE_TOKEN.
  const bare = (password?: string) => ({ url: undefined, token: undefined, contextFile: context(), password }) as never;

  it('writes down the token, for its owner only, and uses it from then on', async () => {
    const { code, out } = await cli(hub, ['login', '--url', hub.url, '--password-stdin', '-p', 'shop'], {
      config: bare(),
      input: 'correct horse\n',
    });
    expect(code).toBe(0);
    expect(out).toContain(`Logged in to ${hub.url} as admin (admin) until 2030-01-02`);
    expect(hub.asked[0]?.body).toEqual({ username: 'admin', password: 'correct horse' });
    expect(JSON.parse(readFileSync(context(), 'utf8'))).toEqual({ url: hub.url, token: 'fresh', project: 'shop' });
    expect(statSync(context()).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder.path, 'selvage')).mode & 0o777).toBe(0o700);
    hub.on('GET /api/v1/projects/shop/nodes', { items: [node('a')] });
    expect((await cli(hub, ['get', 'nodes', '-o', 'name'], { config: bare() })).out).toBe('node/a\n');
    expect(hub.asked.at(-1)?.token).toBe('fresh');
  });

  it('never shows the token to another hub', async () => {
    await cli(hub, ['login', '--url', hub.url], { config: bare('correct horse') });
    const other = new FakeHub();
    await other.start();
    await cli(other, ['get', 'nodes'], { config: { contextFile: context(), token: undefined as never } });
    await other.stop();
    expect(other.asked.map(({ token }) => token)).toEqual([undefined]);
  });

  it('is undone by logout', async () => {
    await cli(hub, ['login', '--url', hub.url], { config: bare('correct horse') });
    hub.on('POST /api/v1/logout', (_asked, response) => response.writeHead(204).end());
    expect((await cli(hub, ['logout'], { config: bare() })).out).toBe('Logged out.\n');
    expect(hub.asked.at(-1)).toMatchObject({ what: 'POST /api/v1/logout', token: 'fresh' });
    expect(JSON.parse(readFileSync(context(), 'utf8'))).toEqual({ url: hub.url });
    expect((await cli(hub, ['logout'], { config: bare() })).out).toBe('You are not logged in.\n');
  });

  it('takes no password on the command line, and asks for none without a terminal', async () => {
    expect((await cli(hub, ['login', '--password', 'x'], { config: bare() })).code).toBe(2);
    const { code, err } = await cli(hub, ['login'], { config: bare() });
    expect(code).toBe(2);
    expect(err).toContain('--password-stdin or SELVAGE_PASSWORD');
  });

  it('refused says why', async () => {
    hub.refuse('POST /api/v1/login', 401, { code: 'wrong_password', detail: '' });
    const { code, err } = await cli(hub, ['login', '--url', hub.url], { config: bare('wrong') });
    expect({ code, err }).toEqual({ code: 1, err: 'selvage: The user name or the password is wrong.\n' });
  });

  it('says when its file is broken', async () => {
    await cli(hub, ['login', '--url', hub.url], { config: bare('correct horse') });
    writeFileSync(context(), '{"url":');
    const { code, err } = await cli(hub, ['get', 'nodes'], { config: bare() });
    expect(code).toBe(1);
    expect(err).toContain('is not what "selvage login" writes');
  });
});

describe('selvage node', () => {
  const base = '/api/v1/projects/default/nodes/edge-1';

  it('join prints the line to run on stdout and nothing else there', async () => {
    const made = {
      token: 'selvage1.x',
      hubUrl: 'https://h:8443',
      command: 'selvage-agent join --token selvage1.x',
      expiresAt: '2030-01-01T14:00:00Z',
    };
    hub.on(`POST ${base}/join-token`, (_asked, response) => {
      send(response, 201, made);
    });
    const { out, err } = await cli(hub, ['node', 'join', 'edge-1', '--ttl', '2h', '-l', 'site=a', '-l', 'rack=7']);
    expect(out).toBe('selvage-agent join --token selvage1.x\n');
    expect(err).toContain('it works once, until 2030-01-01 14:00:00Z (in 2h)');
    expect(hub.asked[0]?.body).toEqual({ ttlSeconds: 7200, labels: { site: 'a', rack: '7' } });
  });

  it.each([
    [['disable', 'edge-1'], { spec: { enabled: false } }, 'node/edge-1 disabled\n'],
    [['enable', 'edge-1'], { spec: { enabled: true } }, 'node/edge-1 enabled\n'],
    [['label', 'edge-1', 'site=a', 'old-'], { labels: { site: 'a', old: null } }, 'node/edge-1 labelled site=a\n'],
  ])('%j patches the node', async (args, body, expected) => {
    hub.on(`PATCH ${base}`, node('edge-1', { state: 'ready' }, { site: 'a' }));
    expect((await cli(hub, ['node', ...args])).out).toBe(expected);
    expect(hub.asked[0]?.body).toEqual(body);
  });
});

describe('certificates, tokens and projects', () => {
  it('a certificate is revoked by its serial number, however it is spelled', async () => {
    const certificate = {
      serial: '4fa2',
      fingerprint: 'a'.repeat(64),
      kind: 'node',
      subject: 'default/edge-1',
      notBefore: '2030-01-01T00:00:00Z',
      notAfter: '2030-03-01T00:00:00Z',
    };
    hub.on('POST /api/v1/projects/default/certificates/4fa2/revoke', certificate);
    hub.on('GET /api/v1/projects/default/nodes/edge-1/certificates', { items: [certificate] });
    expect((await cli(hub, ['cert', 'list', 'edge-1'])).out).toMatch(
      /^4fa2 +default\/edge-1 +node +valid +2030-03-01/m,
    );
    const { out } = await cli(hub, ['cert', 'revoke', '4F:A2', '--reason', 'stolen']);
    expect(out).toBe('certificate/4fa2 of default/edge-1 revoked\n');
    expect(hub.asked.at(-1)?.body).toEqual({ reason: 'stolen' });
  });

  it('a token is printed alone on stdout', async () => {
    const made = {
      name: 'ci',
      role: 'operator',
      projects: ['a', 'b'],
      createdAt: '2030-01-01T12:00:00Z',
      expiresAt: '2030-01-31T12:00:00Z',
      token: 'sv_1',
    };
    hub.on('POST /api/v1/tokens', made);
    const args = ['token', 'create', 'ci', '--role', 'operator', '--projects', 'a,b', '--expires', '30d'];
    expect((await cli(hub, args)).out).toBe('sv_1\n');
    expect(hub.asked[0]?.body).toEqual({
      name: 'ci',
      role: 'operator',
      projects: ['a', 'b'],
      expiresInSeconds: 2_592_000,
    });
    expect((await cli(hub, ['token', 'create', 'ci'])).code).toBe(2);
  });

  it('a project is created and deleted', async () => {
    hub.on('PUT /api/v1/projects/shop', { name: 'shop', description: 'x', createdAt: '2030-01-01T12:00:00Z' });
    hub.refuse('DELETE /api/v1/projects/shop', 409, { code: 'in_use', detail: 'There are apps in it.' });
    expect((await cli(hub, ['project', 'create', 'shop', '--description', 'x'])).out).toBe('project/shop created\n');
    expect(await cli(hub, ['project', 'delete', 'shop'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('still in use') as string,
    });
  });
});

describe('the program', () => {
  it('prints its version', async () => {
    expect((await cli(hub, ['version'])).out).toBe('selvage 1.2.3\n');
  });

  it.each(['bash', 'fish', 'zsh'])('prints a completion script for %s', async (shell) => {
    const { out } = await cli(hub, ['completion', shell]);
    expect(out).toContain('rollout');
    expect(out).toContain('selector');
  });

  it('completes in bash', async () => {
    const { out } = await cli(hub, ['completion', 'bash']);
    const complete = (...words: string[]): string => {
      const script = `${out}\nCOMP_WORDS=(selvage ${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length}; _selvage; echo "\${COMPREPLY[*]}"`;
      return execFileSync('bash', ['-c', script], { encoding: 'utf8' }).trim();
    };
    expect(complete('rol')).toBe('rollout');
    expect(complete('node', 'en')).toBe('enable');
    expect(complete('get', 'nodes', '--sel')).toBe('--selector');
    expect(complete('get', 'no')).toBe('nodes');
    expect(complete('get', 'nodes', '-o', 'y')).toBe('yaml');
    expect(complete('delete', 'app/web', '--volumes', '')).toBe('keep remove');
    expect(complete('token', 'create', 'ci', '--role', 'op')).toBe('operator');
    expect(complete('get', 'rou')).toBe('routes');
    expect(complete('route', 're')).toBe('resume replay');
    expect(complete('endpoint', 'test', 'en')).toBe('endpoint/');
    expect(complete('completion', 'z')).toBe('zsh');
    expect(complete('describe', 'de')).toBe('device/ device-model/');
    expect(complete('rollout', 'status', 'a')).toBe('app/');
    expect(complete('nonsense', 'rol')).toBe('rollout');
  });

  it.each([
    [[], 2],
    [['--help'], 0],
    [['help', 'get'], 0],
    [['node'], 2],
    [['--nope'], 2],
    [['node', 'join'], 2],
  ])('%j ends with %i', async (...[args, code]) => {
    const result = await cli(hub, args);
    expect(result.code).toBe(code);
    expect(result.out + result.err).toMatch(/selvage|Usage/);
  });
});
