import { endpoints, type Route } from '@selvage/protocol';
import { freePort, until } from '@selvage/testkit';
import { LinkCable } from './link-cable.js';
import { RouteReceiver } from './route-receiver.js';
import { AgentProcess, HubProcess, params } from './site.js';

/** A real hub, a real agent behind a cable that can be pulled, and somebody else's web server: endpoint `hook`. */
export class RouteSite {
  readonly hub = new HubProcess({ env: { SELVAGE_ALLOWED_TARGETS: '127.0.0.0/8,::1/128' } });
  agent!: AgentProcess;
  cable!: LinkCable;
  receiver!: RouteReceiver;
  mqttPort = 0;

  async start(): Promise<void> {
    this.receiver = await RouteReceiver.start();
    await this.hub.start();
    const [mqtt, link] = [await freePort(), await freePort()];
    this.mqttPort = mqtt;
    this.cable = new LinkCable(link, this.hub.ports.link);
    await this.cable.start();
    this.agent = new AgentProcess('site', { SELVAGE_MQTT_PLAIN: '1', SELVAGE_MQTT_PLAIN_PORT: String(mqtt) });
    const token = await this.hub.joinToken('site');
    const { code, output } = await this.agent.run('join', '--hub', `https://127.0.0.1:${link}`, '--token', token);
    if (code !== 0) throw new Error(`join failed:\n${output}`);
    this.agent.program.start();
    await this.hub.nodeIs('site', 'ready');
    const spec = { kind: 'webhook', url: this.receiver.url, ca: this.receiver.ca } as const;
    await this.hub.client.call(endpoints.endpoints.put, { ...params('hook'), body: { labels: {}, spec } });
  }

  async close(): Promise<void> {
    await this.agent.close();
    await this.hub.close();
    this.cable.stop();
    this.receiver.stop();
  }

  /** Makes a route whose messages come from the node. */
  async route(name: string, topic: string, target: object, more: object = {}): Promise<void> {
    await this.put(name, { source: { endpoint: 'edge', topic }, target, ...more });
  }

  /** Makes any route; it tries again soon. */
  async put(name: string, given: object): Promise<void> {
    const spec = { retry: { minSeconds: 0.1, maxSeconds: 1 }, ...given };
    const { body } = endpoints.routes.put;
    await this.hub.client.call(endpoints.routes.put, { ...params(name), body: body.parse({ spec }) });
  }

  async shown(name: string): Promise<Route> {
    return this.hub.client.call(endpoints.routes.get, params(name));
  }

  /** How a route goes, for whoever waits for it in vain. */
  async said(name: string): Promise<string> {
    return JSON.stringify((await this.shown(name)).status);
  }

  async killHub(): Promise<void> {
    await this.hub.restart('SIGKILL');
  }

  async killAgent(): Promise<void> {
    await this.agent.program.stop('SIGKILL');
    this.agent.program.start();
  }

  /** Until the hub has all that the node took, and the receiver all that the hub had. */
  async drained(name: string): Promise<void> {
    let shown = await this.shown(name);
    await until(async () => (shown = await this.shown(name)).status.stats.backlog.count === 0, {
      timeoutMs: 60_000,
      describe: () => JSON.stringify(shown.status),
    });
  }
}
