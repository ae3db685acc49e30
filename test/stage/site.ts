import { randomBytes, X509Certificate } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Client, createClient } from '@selvage/api-client';
import { endpoints, type Node, type NodeState } from '@selvage/protocol';
import { tempDir, until } from '@selvage/testkit';
import { databaseFor } from './hub-database.js';
import { Program, root, run } from './process.js';

const NODE = process.execPath;
const bin = (app: string, name: string): string => join(root, 'apps', app, 'bin', `${name}.js`);

/** Path parameters of an object of project `default`. */
export function params(name: string): { params: { project: string; name: string } } {
  return { params: { project: 'default', name } };
}

/** A real hub in a process of its own, with a data folder and ports of its own. */
export class HubProcess {
  readonly password = randomBytes(12).toString('base64url');
  readonly program: Program;
  readonly data: string;
  private readonly own = tempDir();
  private readonly ownDatabase: boolean;
  private token = '';
  private listened = { http: 0, link: 0 };

  /** `data`: the folder of another hub, to start a second one on it. */
  constructor({ data, env = {} }: { data?: string; env?: Readonly<Record<string, string>> } = {}) {
    this.ownDatabase = 'SELVAGE_DATABASE_URL' in env;
    this.data = data ?? this.own.path;
    this.program = new Program('hub', [NODE, bin('cloud', 'selvage-hub')], {
      SELVAGE_DATA: this.data,
      SELVAGE_HTTP_PORT: '0',
      SELVAGE_LINK_HOST: '127.0.0.1',
      SELVAGE_LINK_PORT: '0',
      SELVAGE_HEARTBEAT_SECONDS: '2',
      SELVAGE_ADMIN_PASSWORD: this.password,
      ...env,
    });
  }

  /** Ports that the hub wrote down when it was up. */
  get ports(): { http: number; link: number } {
    return JSON.parse(readFileSync(join(this.data, 'hub', 'ports.json'), 'utf8')) as { http: number; link: number };
  }

  get url(): string {
    return `http://127.0.0.1:${this.ports.http}`;
  }

  get client(): Client {
    return createClient({ url: this.url, token: this.token });
  }

  async start(): Promise<void> {
    rmSync(join(this.data, 'hub', 'ports.json'), { force: true });
    if (!this.ownDatabase) this.program.set(await databaseFor(this.data));
    this.program.start();
    await until(() => this.ready(), {
      timeoutMs: 60_000,
      describe: () => `the hub to be ready; it said:\n${this.program.output}`,
    });
    this.listened = this.ports;
    const login = { username: 'admin', password: this.password };
    this.token ||= (await createClient({ url: this.url }).call(endpoints.session.login, { body: login })).token;
  }

  /** Starts again on the same ports, as a service manager would. */
  async restart(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const { http, link } = this.listened;
    await this.program.stop(signal);
    this.program.set({ SELVAGE_HTTP_PORT: String(http), SELVAGE_LINK_PORT: String(link) });
    await this.start();
  }

  async close(): Promise<void> {
    await this.program.stop();
    this.own.remove();
  }

  async joinToken(name: string): Promise<string> {
    return (await this.client.call(endpoints.nodes.join, { ...params(name), body: {} })).token;
  }

  joinArguments(token: string): string[] {
    return ['join', '--hub', `https://127.0.0.1:${this.ports.link}`, '--token', token];
  }

  node(name: string): Promise<Node> {
    return this.client.call(endpoints.nodes.get, params(name));
  }

  async nodeIs(name: string, state: NodeState): Promise<Node> {
    let node = await this.node(name);
    await until(async () => (node = await this.node(name)).status.state === state, {
      timeoutMs: 30_000,
      describe: () => `node ${name} to be ${state}; it is ${JSON.stringify(node.status)}`,
    });
    return node;
  }

  /** The hub's name in container labels: the first 16 hexadecimal digits of its root certificate's SHA-256. */
  async id(): Promise<string> {
    const pem = await (await fetch(`http://127.0.0.1:${this.ports.link}/ca.pem`)).text();
    return new X509Certificate(pem).fingerprint256.replaceAll(':', '').slice(0, 16).toLowerCase();
  }

  /** The CLI as a user runs it, against this hub, to its end. */
  async cli(...args: string[]): Promise<{ code: number; output: string }> {
    const program = this.cliProgram(...args);
    program.start();
    return { code: await program.ended(), output: program.output };
  }

  cliProgram(...args: string[]): Program {
    const env = { SELVAGE_URL: this.url, SELVAGE_TOKEN: this.token, HOME: this.data };
    return new Program(`selvage ${args.join(' ')}`, [NODE, bin('cli', 'selvage'), ...args], env);
  }

  private async ready(): Promise<boolean> {
    if (!this.program.running) throw new Error(`the hub ended; it said:\n${this.program.output}`);
    try {
      return (await fetch(`${this.url}/readyz`)).ok;
    } catch (error) {
      if (error instanceof TypeError || (error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    }
  }
}

/** A real agent in a process of its own. */
export class AgentProcess {
  readonly data = tempDir();
  readonly program: Program;

  constructor(
    readonly name: string,
    private readonly env: Readonly<Record<string, string>> = {},
  ) {
    this.program = new Program(name, this.command('run'), this.environment());
  }

  /** Runs `selvage-agent` with other arguments on this agent's data folder. */
  run(...args: string[]): Promise<{ code: number; output: string }> {
    return run(this.command(...args), this.environment());
  }

  async join(hub: HubProcess): Promise<void> {
    const { code, output } = await this.run(...hub.joinArguments(await hub.joinToken(this.name)));
    if (code !== 0) throw new Error(`join of ${this.name} failed:\n${output}`);
  }

  async close(): Promise<void> {
    await this.program.stop();
    this.data.remove();
  }

  private command(...args: string[]): string[] {
    return [NODE, bin('edge-agent', 'selvage-agent'), ...args, '--data', this.data.path];
  }

  private environment(): Record<string, string> {
    return { SELVAGE_API_PORT: '0', SELVAGE_MQTT_PORT: '0', SELVAGE_MQTT_WEBSOCKET_PORT: '0', ...this.env };
  }
}
