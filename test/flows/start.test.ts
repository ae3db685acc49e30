import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createClient } from '@selvage/api-client';
import { endpoints } from '@selvage/protocol';
import { freePort, tempDir, until } from '@selvage/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Program, root, run } from '../stage/process.js';
import { params } from '../stage/site.js';

const START = [process.execPath, join(root, 'tools', 'start.mjs')];
const NO_DOCKER = [...START, '--no-docker'];
const UP_MS = 120_000;

describe('npm start', () => {
  const data = tempDir();
  let env: Record<string, string>;
  let started: Program;
  let password = '';
  let url = '';

  beforeAll(async () => {
    const [http, link, api] = await Promise.all([freePort(), freePort(), freePort()]);
    url = `http://127.0.0.1:${http}`;
    env = {
      SELVAGE_DATA: data.path,
      SELVAGE_HTTP_PORT: String(http),
      SELVAGE_LINK_HOST: '127.0.0.1',
      SELVAGE_LINK_PORT: String(link),
      SELVAGE_API_PORT: String(api),
      SELVAGE_MQTT_PORT: '0',
      SELVAGE_MQTT_WEBSOCKET_PORT: '0',
    };
    started = new Program('npm start', NO_DOCKER, env);
  });
  afterAll(async () => {
    await started.stop();
    data.remove();
  });

  const isUp = (timeoutMs = UP_MS): Promise<void> =>
    until(() => started.output.includes('Selvage is up') || !started.running, {
      timeoutMs,
      describe: () => `Selvage to be up; it said:\n${started.output}`,
    });

  const interrupt = (): Promise<number> => {
    process.kill(started.pid, 'SIGINT');
    return started.ended(20_000);
  };

  let token: string | undefined;
  /** Logs in once: whoever waits looks more often than anybody may log in. */
  const localNode = async () => {
    token ??= (await createClient({ url }).call(endpoints.session.login, { body: { username: 'admin', password } }))
      .token;
    return createClient({ url, token }).call(endpoints.nodes.get, params('local'));
  };

  it('says at its first start where it is, and the password, once', async () => {
    started.start();
    await isUp();
    expect(started.output).toMatch(
      new RegExp(`Selvage is up at ${url}/; node "local" is ready.*Ctrl-C stops it\\.\n$`),
    );
    password = /log in as "admin" with the password (\S+) – it is kept in (\S+)\.\n/.exec(started.output)?.[1] ?? '';
    expect(password).not.toBe('');
    expect(started.output.split(password)).toHaveLength(2);
  });

  it('says the line to log in with when it is not at its usual place', async () => {
    const line =
      /^Log in with: npx --no (selvage login --url \S+ --password-stdin < \S+)$/m.exec(started.output)?.[1] ?? '';
    const home = tempDir();
    const logIn = await run(['bash', '-c', `npx --no-install ${line}`], { HOME: home.path });
    home.remove();
    expect(logIn).toMatchObject({ code: 0, output: expect.stringContaining(`Logged in to ${url} as admin`) as string });
  });

  it('keeps the password in a file of its own, and in no log', () => {
    const file = join(data.path, 'hub', 'admin-password');
    expect(readFileSync(file, 'utf8').trim()).toBe(password);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    for (const log of ['hub.log', 'agent.log'])
      expect(readFileSync(join(data.path, log), 'utf8')).not.toContain(password);
    expect(readFileSync(join(data.path, 'hub.log'), 'utf8')).toContain('log in as "admin" with the password …');
  });

  it('made this machine the node "local", by a real join', async () => {
    const { status } = await localNode();
    expect(status.state).toBe('ready');
    expect(status.certificateDaysLeft).toBeGreaterThanOrEqual(89);
  });

  it('says so when it runs on this data folder already', async () => {
    const second = await run(NO_DOCKER, env);
    expect(second).toMatchObject({ code: 78, output: expect.stringContaining('uses this data folder') as string });
    expect((await localNode()).status.state).toBe('ready');
  });

  it.each([
    ['hub', 'selvage-hub.js'],
    ['agent', 'selvage-agent.js'],
  ])('starts the %s again when it dies', async (name, file) => {
    const killed = childOf(started.pid, file);
    process.kill(killed, 'SIGKILL');
    await until(() => started.output.includes(`The ${name} was ended by SIGKILL; it starts again in 1 s.`));
    await until(() => childrenOf(started.pid, file).some((pid) => pid !== killed));
    await until(async () => (await fetch(`${url}/readyz`).catch(() => undefined))?.ok === true);
    await until(async () => (await localNode()).status.state === 'ready', { timeoutMs: 60_000 });
  });

  it('ends both when it is interrupted', async () => {
    const children = ['selvage-hub.js', 'selvage-agent.js'].map((file) => childOf(started.pid, file));
    expect(await interrupt()).toBe(0);
    expect(started.output).toContain('Stopped.');
    for (const pid of children) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });

  it('comes up again in seconds, with everything it had', async () => {
    started.clear();
    started.start();
    await isUp(15_000);
    expect(started.output).not.toMatch(/joined|password/);
    expect((await localNode()).status.state).toBe('ready');
  });

  it('joins again when the hub lost the node', async () => {
    const { token } = await createClient({ url }).call(endpoints.session.login, {
      body: { username: 'admin', password },
    });
    await createClient({ url, token }).call(endpoints.nodes.remove, params('local'));
    await interrupt();
    started.clear();
    started.start();
    await isUp();
    expect(started.output).toContain('joined as node "local" of project "default", since the hub knew no such node');
    expect((await localNode()).status.state).toBe('ready');
  });

  it('goes on when only somebody else knows the password, and says so', async () => {
    await interrupt();
    rmSync(join(data.path, 'hub', 'admin-password'));
    started.clear();
    started.start();
    await isUp();
    expect(started.output).toContain('The password of "admin" is not known here');
    await until(async () => (await localNode()).status.state === 'ready', { timeoutMs: 60_000 });
    await interrupt();
  });

  it('runs the hub alone when it is asked to', async () => {
    const alone = new Program('hub only', [...START, '--hub-only'], env);
    alone.start();
    await until(() => alone.output.includes('Selvage is up') || !alone.running, { timeoutMs: UP_MS });
    expect(alone.output).toContain(`Selvage is up at ${url}/. Ctrl-C stops it.`);
    expect(() => childOf(alone.pid, 'selvage-agent.js')).toThrow('no child');
    process.kill(alone.pid, 'SIGINT');
    expect(await alone.ended(20_000)).toBe(0);
  });

  it.each([
    ['SELVAGE_DOCKER_SOCKET', { SELVAGE_DOCKER_SOCKET: '/nowhere/docker.sock' }],
    ['DOCKER_HOST', { DOCKER_HOST: 'unix:///nowhere/docker.sock' }],
  ])('looks for the engine where %s says, and starts none there', async (setBy, changed) => {
    const elsewhere = new Program('npm start', START, { ...env, ...changed });
    elsewhere.start();
    await until(() => elsewhere.output.includes('Selvage is up') || !elsewhere.running, { timeoutMs: UP_MS });
    const { output } = elsewhere;
    process.kill(elsewhere.pid, 'SIGINT');
    await elsewhere.ended(20_000);
    expect(output).toContain(
      `No Docker engine: /nowhere/docker.sock, which ${setBy} asks for, does not exist. Apps cannot run`,
    );
    expect(output).not.toContain('Docker engine started');
  });

  it.each([
    ['--hub-only', { npm_config_hub_only: 'true' }],
    ['--no-docker', { npm_config_docker: '' }],
  ])('takes %s also when it came by way of npm', async (option, changed) => {
    const alone = new Program('npm start', START, { ...env, ...changed, SELVAGE_HTTP_PORT: 'eighty' });
    alone.start();
    expect(await alone.ended()).toBe(78);
    expect(alone.output).toContain(`${option} came by way of npm, and counts; next time: npm start -- ${option}\n`);
  });

  it('tells how it is used when it is used wrongly', async () => {
    const wrong = await run([...START, '--show'], env);
    expect(wrong).toMatchObject({ code: 2, output: expect.stringContaining("Unknown option '--show'") as string });
  });

  it('ends with the words of the hub when a setting is wrong', async () => {
    expect(await endsElsewhere({ SELVAGE_HTTP_PORT: 'eighty' })).toMatchObject({
      code: 78,
      output: expect.stringContaining('SELVAGE_HTTP_PORT') as string,
    });
  });

  it('ends with the words of the hub when a port is taken', async () => {
    const holder = new Program('holder', [...START, '--hub-only'], env);
    holder.start();
    await until(() => holder.output.includes('Selvage is up') || !holder.running, { timeoutMs: UP_MS });
    const failed = await endsElsewhere({});
    await holder.stop();
    const says = 'Another program has the port';
    expect(failed).toMatchObject({ code: 1, output: expect.stringContaining(says) as string });
  });

  /** What a start on another data folder says, which ends by itself. */
  async function endsElsewhere(changed: Record<string, string>): Promise<{ code: number; output: string }> {
    const other = tempDir();
    const ended = await run(NO_DOCKER, { ...env, SELVAGE_DATA: other.path, ...changed });
    other.remove();
    return ended;
  }
});

/** Process id of the child whose command names a file. */
function childOf(parent: number, file: string): number {
  const [child] = childrenOf(parent, file);
  if (child === undefined) throw new Error(`no child ${file} of ${parent}`);
  return child;
}

function childrenOf(parent: number, file: string): number[] {
  const table = execFileSync('ps', ['-e', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' }).split('\n');
  return table
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
    .filter((row) => Number(row?.[2]) === parent && row?.[3]?.includes(file))
    .map((row) => Number(row?.[1]));
}
