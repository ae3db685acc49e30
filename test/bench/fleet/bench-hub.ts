import { join } from 'node:path';
import { type Client, createClient } from '@selvage/api-client';
import { endpoints } from '@selvage/protocol';
import { freePort } from '@selvage/testkit';
import { Program, root } from '../../stage/process.js';
import { HubProcess } from '../../stage/site.js';
import { cpuSeconds, residentMiB } from '../resources.js';
import { Inspector } from './inspector.js';
import { HUB_CORE, pinned } from './machine.js';

/** A real hub on a core of its own, with the default log and a heartbeat of a minute. */
export class BenchHub extends HubProcess {
  override readonly program: Program;
  private readonly inspectPort: number;

  private constructor(inspectPort: number) {
    super();
    this.inspectPort = inspectPort;
    const command = [process.execPath, `--inspect-port=127.0.0.1:${inspectPort}`];
    this.program = new Program('hub', pinned(HUB_CORE, [...command, join(root, 'apps/cloud/bin/selvage-hub.js')]), {
      SELVAGE_DATA: this.data,
      SELVAGE_HTTP_PORT: '0',
      SELVAGE_LINK_HOST: '127.0.0.1',
      SELVAGE_LINK_PORT: '0',
      SELVAGE_HEARTBEAT_SECONDS: '60',
      SELVAGE_ADMIN_PASSWORD: this.password,
    });
  }

  static async create(): Promise<BenchHub> {
    return new BenchHub(await freePort());
  }

  get linkUrl(): string {
    return `https://127.0.0.1:${this.ports.link}`;
  }

  /** Processor time that the hub has used since it started, seconds. */
  get cpu(): number {
    return cpuSeconds(this.program.pid);
  }

  /** A client with an API token of its own, so that no rate limit is shared. */
  async apiClient(name: string): Promise<Client> {
    return createClient({ url: this.url, token: await this.apiToken(name) });
  }

  async apiToken(name: string): Promise<string> {
    return (await this.client.call(endpoints.tokens.make, { body: { name, role: 'operator' } })).token;
  }

  /** Resident memory as it is, and after everything that nobody needs was thrown away, MiB. */
  async memory(): Promise<{ asIs: number; collected: number }> {
    const asIs = residentMiB(this.program.pid);
    await this.inspected((inspector) => inspector.collectGarbage());
    return { asIs, collected: residentMiB(this.program.pid) };
  }

  /** With `SELVAGE_BENCH_PROFILES=folder`, notes there where the hub's time goes while `run` lasts. */
  async profiled<T>(name: string, run: () => Promise<T>): Promise<T> {
    const folder = process.env.SELVAGE_BENCH_PROFILES;
    if (folder === undefined) return run();
    return this.inspected((inspector) => inspector.profiled(join(folder, `${name}.cpuprofile`), run));
  }

  /** With `SELVAGE_BENCH_PROFILES=folder`, writes down there what the hub's memory holds. */
  async snapshot(name: string): Promise<void> {
    const folder = process.env.SELVAGE_BENCH_PROFILES;
    if (folder === undefined) return;
    await this.inspected((inspector) => inspector.snapshot(join(folder, `${name}.heapsnapshot`)));
  }

  private async inspected<T>(use: (inspector: Inspector) => Promise<T>): Promise<T> {
    const inspector = await Inspector.open(this.program.pid, this.inspectPort);
    try {
      return await use(inspector);
    } finally {
      inspector.close();
    }
  }
}
