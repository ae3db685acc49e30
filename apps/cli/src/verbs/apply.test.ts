import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { tempDir } from '@selvage/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { app, cli, FakeHub, instance, node } from '../fake-hub.js';

const hub = new FakeHub();
const folder = tempDir();
const file = (name: string, text: string): string => {
  writeFileSync(join(folder.path, name), text);
  return join(folder.path, name);
};
const manifest = (image: string): string =>
  `kind: App\nname: web\nspec:\n  placement: { nodes: [edge-1] }\n  containers: [{ name: c, image: "${image}" }]\n`;
const SECRET = `kind: Secret\nname: robot\nspec: { type: registry, registry: r.example, username: u, password: correct-horse }\n`;
const written = (): string[] => hub.asked.map(({ what }) => what).filter((what) => !what.startsWith('GET'));

beforeAll(() => hub.start());
afterAll(async () => {
  await hub.stop();
  folder.remove();
});
beforeEach(() => {
  hub.reset();
});

describe('selvage apply', () => {
  it('creates secrets, nodes and apps in this order, and says so', async () => {
    const path = file(
      'all.yaml',
      `${manifest('web:1')}---\nkind: Node\nname: edge-1\nlabels: { site: a }\n---\n${SECRET}`,
    );
    expect(await cli(hub, ['apply', '-f', path])).toEqual({
      code: 0,
      out: 'secret/robot created\nnode/edge-1 created\napp/web created\n',
      err: '',
    });
    expect(hub.asked.at(-1)?.body).toMatchObject({
      labels: {},
      spec: { containers: [{ name: 'c', restart: 'always' }] },
    });
  });

  it('says what changed and what did not, and sends nothing that is the same', async () => {
    hub.put('apps', app('web'));
    const same = file('web.yaml', manifest('web:1'));
    expect((await cli(hub, ['apply', '-f', same])).out).toBe('app/web unchanged\n');
    expect(written()).toEqual([]);
    expect((await cli(hub, ['apply', '-f', file('web.yaml', manifest('web:2'))])).out).toBe('app/web changed\n');
  });

  it('reads standard input and whole folders, and projects out of documents', async () => {
    const text = manifest('web:1').replace('name: web', 'name: web\nproject: shop');
    expect((await cli(hub, ['apply', '-f', '-'], { input: text })).out).toBe('app/web created\n');
    expect(written()).toEqual(['PUT /api/v1/projects/shop/apps/web']);
    mkdirSync(join(folder.path, 'many'));
    for (const name of ['b', 'a']) file(`many/${name}.yaml`, manifest('web:1').replace('name: web', `name: ${name}`));
    file('many/notes.txt', 'nothing');
    expect((await cli(hub, ['apply', '-f', join(folder.path, 'many')])).out).toBe('app/a created\napp/b created\n');
  });

  it('sends nothing when any document of any file is bad, and says every problem with its place', async () => {
    const good = file('good.yaml', manifest('web:1'));
    const bad = file('bad.yaml', 'kind: Node\nname: A\nspec: { x: 1 }\n');
    const { code, out, err } = await cli(hub, ['apply', '-f', good, '-f', bad, '-f', `${bad}.none`, '-f', good]);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(hub.asked).toEqual([]);
    expect(err.replaceAll(folder.path, '').split('\n')).toEqual([
      'selvage: The manifest is not valid.',
      '  Nothing was sent.',
      '  /bad.yaml.none: no such file or folder',
      expect.stringMatching(/^ {2}\/bad\.yaml:2:1 name: a name has/) as string,
      '  /bad.yaml:3:9 spec.x: is not known here',
      '  /good.yaml:1:1 name: app/web is in /good.yaml:1:1 already',
      '',
    ]);
  });

  it('goes on after a document that the hub refuses, and ends with 1', async () => {
    const detail = 'port 80 on edge-1 belongs to app/old';
    hub.refuse('PUT /api/v1/projects/default/apps/web', 409, { code: 'port_conflict', detail });
    const path = file('two.yaml', `${manifest('web:1')}---\n${manifest('web:1').replace('name: web', 'name: web2')}`);
    const { code, out, err } = await cli(hub, ['apply', '-f', path]);
    expect({ code, out }).toEqual({ code: 1, out: 'app/web2 created\n' });
    expect(err).toBe(
      `app/web: The host port is taken by another app on the same node. ${detail}\nselvage: 1 of 2 were refused.\n`,
    );
  });

  it('reads a named pipe, waits for who writes to it, and waits no longer than the user does', async () => {
    const pipe = join(folder.path, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const reading = cli(hub, ['apply', '-f', pipe]);
    await writeFile(pipe, manifest('web:1'));
    expect((await reading).out).toBe('app/web created\n');
    const stop = new AbortController();
    const waiting = cli(hub, ['apply', '-f', pipe], { signal: stop.signal });
    stop.abort();
    expect(await waiting).toMatchObject({ code: 1, err: 'selvage: The call was cancelled.\n' });
  });

  it('reads standard input no longer than the user waits', async () => {
    const stop = new AbortController();
    const waiting = cli(hub, ['apply', '-f', '-'], { input: new PassThrough(), signal: stop.signal });
    stop.abort();
    expect(await waiting).toMatchObject({ code: 1, err: 'selvage: The call was cancelled.\n' });
  });

  it('takes 16 MiB at once and no more', async () => {
    mkdirSync(join(folder.path, 'much'));
    for (let index = 0; index < 17; index += 1) file(`much/${index}.yaml`, '#'.repeat(1024 * 1024));
    const { code, err } = await cli(hub, ['apply', '-f', join(folder.path, 'much')]);
    expect([code, err]).toEqual([1, expect.stringContaining('more than 16777216 bytes at once; apply them in parts')]);
  });

  it('stops when the hub is gone', async () => {
    hub.on('GET /api/v1/projects/default/apps/web', (_asked, response) => response.destroy());
    expect((await cli(hub, ['apply', '-f', file('web.yaml', manifest('web:1'))])).code).toBe(3);
  });

  it('--dry-run shows what would change and asks the hub to check, and changes nothing', async () => {
    hub.put('apps', app('web'));
    hub.on('POST /api/v1/projects/default/apps/web/check', app('web'));
    const { out } = await cli(hub, ['apply', '--dry-run', '-f', file('web.yaml', manifest('web:2'))]);
    expect(out).toMatch(/^app\/web would be changed\n/);
    expect(out).toMatch(/^ {2}- {7}image: web:1\n {2}\+ {7}image: web:2$/m);
    expect(written()).toEqual(['POST /api/v1/projects/default/apps/web/check']);
  });

  it('--dry-run has the hub check an app without the secret and the nodes that it would create before', async () => {
    hub.on('POST /api/v1/projects/default/apps/web/check', app('web'));
    const text = manifest('web:1').replace('[edge-1] }', '[edge-1, edge-2] }\n  imagePullSecret: robot');
    const first = await cli(hub, ['apply', '--dry-run', '-f', '-'], {
      input: `${SECRET}---\nkind: Node\nname: edge-1\n---\n${text}`,
    });
    expect(first.code).toBe(0);
    const { spec } = hub.asked.at(-1)?.body as { spec: { placement: object } };
    expect(spec).toMatchObject({ placement: { nodes: ['edge-2'] } });
    expect(spec).not.toHaveProperty('imagePullSecret');
  });

  it('--dry-run shows conflicts', async () => {
    hub.refuse('POST /api/v1/projects/default/apps/web/check', 409, { code: 'port_conflict', detail: 'port 80' });
    const { code, out, err } = await cli(hub, ['apply', '--dry-run', '-f', file('web.yaml', manifest('web:2'))]);
    expect(code).toBe(1);
    expect(out).toMatch(/^app\/web would be created\n {2}\+ labels: \{\}\n {2}\+ spec:\n/);
    expect(err).toContain('port 80');
  });

  it('--dry-run says that a secret would be written again', async () => {
    const spec = { type: 'registry', registry: 'r.example', username: 'u' };
    hub.put('secrets', { ...node('robot'), spec, status: { usedBy: [] } });
    const { out } = await cli(hub, ['apply', '--dry-run', '-f', file('secret.yaml', SECRET)]);
    expect(out).toBe('secret/robot would be written again (its password cannot be compared)\n');
  });

  it('--dry-run shows the names of the properties of a secret and no values', async () => {
    const input = 'kind: Secret\nname: keys\nspec: { type: data, properties: { api: correct-horse } }\n';
    const { out } = await cli(hub, ['apply', '--dry-run', '-f', '-'], { input });
    expect(out).toContain('- api');
    expect(out).not.toContain('correct-horse');
  });

  it.each([[['--dry-run']], [[]]])('%j never prints what is secret', async (more) => {
    const path = file('secret.yaml', SECRET);
    const { out, err } = await cli(hub, ['apply', '-f', path, ...more]);
    expect(out).toContain('secret/robot');
    expect(out + err).not.toContain('correct-horse');
  });

  it('says that a secret with an unknown registry key is bad without its value', async () => {
    const text = SECRET.replace('password: correct-horse', 'password: [correct-horse]');
    const { err } = await cli(hub, ['apply', '-f', '-'], { input: text });
    expect(err).toContain('spec.password: must be a text, not a list');
    expect(err).not.toContain('correct-horse');
  });

  it.each([
    [[], undefined, /say what to apply/, 2],
    [['-f', '-'], '# nothing\n', /-: no manifest in it/, 1],
    [['-f', '-'], 'x'.repeat(1024 * 1024 + 1), /stdin: longer than/, 1],
    [
      ['-f', '-'],
      'kind: Node\nname: a\n---\n'.repeat(1001),
      /^ +more than 1000 documents.*(\n.*){100} +… and more/m,
      1,
    ],
    [['-f', '/dev/zero'], undefined, /\/dev\/zero: is neither a file nor a folder nor a pipe/, 1],
    [Array<string>(1001).fill('-fx'), undefined, /1000 times at most/, 2],
  ] as const)('%j is refused', async (...[args, input, says, code]) => {
    const result = await cli(hub, ['apply', ...args], input === undefined ? {} : { input });
    expect(result.code).toBe(code);
    expect(result.err).toMatch(says);
  });
});

describe('selvage delete', () => {
  it('deletes by name and says so', async () => {
    hub.put('apps', app('web'));
    const result = await cli(hub, ['delete', 'app/web', '--volumes', 'remove', '--yes']);
    expect(result).toEqual({ code: 0, out: 'app/web deleted\n', err: '' });
    expect(hub.asked.at(-1)).toMatchObject({ query: { volumes: 'remove' } });
  });

  it('says that a node which is away still has the app', async () => {
    hub.put('apps', app('web', { instances: [instance('web', { nodeState: 'offline' })] }));
    const { out, err } = await cli(hub, ['delete', 'app/web', '--yes']);
    expect(out).toBe('app/web deleted\n');
    expect(err).toBe('edge-1 is offline: app/web is removed there when it is back.\n');
  });

  it('does nothing, and ends with 1, when the answer is no', async () => {
    const { code, err } = await cli(hub, ['delete', 'app/web'], { input: 'n\r', typed: true });
    expect(code).toBe(1);
    expect(err).toContain('nothing was deleted');
    expect(hub.asked).toEqual([]);
  });

  it('deletes what a file describes, in the reverse order, and minds nothing that is gone', async () => {
    hub.put('apps', app('web'));
    const path = file('both.yaml', `${SECRET}---\n${manifest('web:1')}`);
    const { code, out } = await cli(hub, ['delete', '-f', path, '--yes']);
    expect({ code, out }).toEqual({ code: 0, out: 'app/web deleted\nsecret/robot was not there\n' });
  });

  it.each([
    [['delete', 'app/web', '--yes'], 1, /Not found/],
    [['delete', 'app/web'], 2, /use --yes/],
    [['delete', '--yes'], 2, /say what to delete/],
    [['delete', 'web', '--yes'], 2, /name it as app\/web/],
    [['delete', 'token/x', '--yes'], 2, /not one of app, secret, node/],
  ])('%j ends with %i', async (...[args, code, says]) => {
    const result = await cli(hub, args);
    expect(result.code).toBe(code);
    expect(result.err).toMatch(says);
  });
});
