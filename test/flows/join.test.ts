import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { endpoints } from '@selvage/protocol';
import { until } from '@selvage/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AgentProcess, HubProcess, params } from '../stage/site.js';

describe('a node', () => {
  const hub = new HubProcess();
  const agents: AgentProcess[] = [];
  const agent = (name: string): AgentProcess => {
    const made = new AgentProcess(name);
    agents.push(made);
    return made;
  };

  beforeAll(() => hub.start());
  afterAll(async () => {
    await Promise.all(agents.map((one) => one.close()));
    await hub.close();
  });

  it('joins with its token, is ready and reports its facts', async () => {
    const edge = agent('edge-1');
    await edge.join(hub);
    expect((await hub.node('edge-1')).status.state).toBe('offline');
    edge.program.start();
    const { status } = await hub.nodeIs('edge-1', 'ready');
    await until(async () => (await hub.node('edge-1')).status.facts !== undefined, { describe: () => 'the facts' });
    const { facts } = (await hub.node('edge-1')).status;
    expect(facts).toMatchObject({ arch: expect.any(String) as string, docker: { state: 'ready' } });
    expect(facts?.memoryBytes).toBeGreaterThan(1e8);
    expect(facts?.cpus).toBeGreaterThan(0);
    expect(status.certificateDaysLeft).toBeGreaterThanOrEqual(89);
  });

  it('is listed with state and labels, and labels can be changed', async () => {
    await hub.client.call(endpoints.nodes.patch, { ...params('edge-1'), body: { labels: { site: 'a' } } });
    const page = await hub.client.call(endpoints.nodes.list, {
      params: { project: 'default' },
      query: { labels: 'site=a' },
    });
    expect(page.items.map(({ name }) => name)).toEqual(['edge-1']);
    const cli = await hub.cli('get', 'nodes');
    expect(cli.output).toMatch(/edge-1\s+ready/);
  });

  it('is disconnected while it is disabled and comes back by itself', async () => {
    await hub.client.call(endpoints.nodes.patch, { ...params('edge-1'), body: { spec: { enabled: false } } });
    await hub.nodeIs('edge-1', 'disabled');
    await hub.client.call(endpoints.nodes.patch, { ...params('edge-1'), body: { spec: { enabled: true } } });
    await hub.nodeIs('edge-1', 'ready');
  });

  it('is alone on its data folder: a second agent there ends and says why', async () => {
    const second = await agents[0]?.run('run');
    expect(second).toMatchObject({ code: 78, output: expect.stringContaining('data folder') as string });
    await hub.nodeIs('edge-1', 'ready');
  });

  it('gets no second machine in with a token that was used', async () => {
    const [first, second] = [agent('edge-2'), agent('edge-2')];
    const token = await hub.joinToken('edge-2');
    expect((await first.run(...hub.joinArguments(token))).code).toBe(0);
    const refused = await second.run(...hub.joinArguments(token));
    expect(refused.code).not.toBe(0);
    expect(refused.output).toContain('used already');
  });

  it.each([
    ['another node', ['--node', 'edge-4'], 'another node'],
    ['no secret that is known', [], 'not known'],
  ])('is not joined with a token of %s', async (what, extra, says) => {
    const token = await hub.joinToken('edge-3');
    const given = what === 'another node' ? token : token.replace(/\.[^.]{43}\.([^.]+)$/, `.${'A'.repeat(43)}.$1`);
    const refused = await agent('edge-3').run(...hub.joinArguments(given), ...extra);
    expect(refused.code).not.toBe(0);
    expect(refused.output).toContain(says);
    expect((await hub.node('edge-3')).status.state).toBe('never_joined');
  });

  it('says nothing secret to a hub that is not the one of its token', async () => {
    const token = await hub.joinToken('edge-5');
    const heard: string[] = [];
    const thief = createServer((request, response) => {
      heard.push(request.url ?? '');
      request.on('data', (chunk: Buffer) => heard.push(chunk.toString()));
      response.end('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
    }).listen(0, '127.0.0.1');
    await once(thief, 'listening');
    const { port } = thief.address() as AddressInfo;
    const refused = await agent('edge-5').run('join', '--hub', `https://127.0.0.1:${port}`, '--token', token);
    thief.close();
    expect(refused.code).not.toBe(0);
    expect(heard).toEqual(['/ca.pem']);
  });

  it('is locked out at once when its certificate is revoked', async () => {
    const list = await hub.client.call(endpoints.certificates.list, params('edge-1'));
    const serial = list.items.find(({ revokedAt }) => revokedAt === undefined)?.serial ?? '';
    await hub.client.call(endpoints.certificates.revoke, { params: { project: 'default', serial }, body: {} });
    await hub.nodeIs('edge-1', 'offline');
    await until(() => agents[0]?.program.output.includes('revoked') === true, {
      describe: () => 'the agent to say why',
    });
  });

  it('can join again with a new token after that', async () => {
    const [edge] = agents;
    if (edge === undefined) throw new Error('no agent joined before');
    await edge.program.stop();
    const token = await hub.joinToken('edge-1');
    expect((await edge.run(...hub.joinArguments(token))).code).not.toBe(0);
    expect(await edge.run(...hub.joinArguments(token), '--force')).toMatchObject({ code: 0 });
    edge.program.start();
    await hub.nodeIs('edge-1', 'ready');
  });

  it('is gone when it is deleted, and its certificate is of no use', async () => {
    agents[0]?.program.clear();
    await hub.client.call(endpoints.nodes.remove, params('edge-1'));
    await expect(hub.node('edge-1')).rejects.toMatchObject({ code: 'not_found' });
    await until(() => agents[0]?.program.output.match(/revoked|not known|not_found/) !== null, {
      describe: () => 'the agent to hear that its node is gone',
    });
  });
});

describe('a hub', () => {
  it('started twice on one data folder: the second ends and says why', async () => {
    const hub = new HubProcess();
    await hub.start();
    const second = new HubProcess({ data: hub.data });
    second.program.start();
    expect(await second.program.ended()).toBe(78);
    expect(second.program.output).toContain('data folder');
    await second.close();
    await hub.close();
  });

  it('with a bad configuration says every problem at once', async () => {
    const hub = new HubProcess({
      env: { SELVAGE_HTTP_PORT: 'eighty', SELVAGE_LINK_PORT: '99999', SELVAGE_HEARTBEAT_SECONDS: 'x' },
    });
    hub.program.start();
    expect(await hub.program.ended()).toBe(78);
    for (const name of ['SELVAGE_HTTP_PORT', 'SELVAGE_LINK_PORT', 'SELVAGE_HEARTBEAT_SECONDS']) {
      expect(hub.program.output).toContain(name);
    }
    await hub.close();
  });
});
