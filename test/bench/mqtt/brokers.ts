import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { accepts, freePort, tempDir, type TempDir, until } from '@selvage/testkit';
import { HUB_CORE, pinned } from '../fleet/machine.js';
import { cpuSeconds, residentMiB } from '../resources.js';
import { writeCertificates } from './certificates.js';
import { Child } from './child.js';
import type { Programs } from './programs.js';

export const BROKERS = ['selvage', 'mosquitto', 'raw aedes'] as const;
export type BrokerName = (typeof BROKERS)[number];

/** What the agent's own start program sets. */
const AGENT_FLAGS = ['--semi-space-growth-factor=1', '--interrupt-budget=1000000'];

export interface BrokerNeeds {
  /** Devices whose twins are kept. */
  readonly devices?: readonly string[];
}

/** A broker in a process of its own, on the core of what is measured. */
export class BrokerProcess {
  private constructor(
    readonly name: BrokerName,
    readonly port: number,
    readonly tlsPort: number,
    private readonly dir: TempDir,
    private readonly child: Child,
  ) {}

  static async start(programs: Programs, name: BrokerName, needs: BrokerNeeds = {}): Promise<BrokerProcess> {
    const [dir, port, tlsPort] = [tempDir('selvage-bench-'), await freePort(), await freePort()];
    const fingerprint = await writeCertificates(dir.path);
    writeFileSync(join(dir.path, 'wanted.json'), JSON.stringify(wantedOf(needs, fingerprint)));
    writeFileSync(join(dir.path, 'mosquitto.conf'), mosquittoConfig({ folder: dir.path, port, tlsPort }));
    const args = [dir.path, String(port), String(tlsPort)];
    const extra = process.env.SELVAGE_BENCH_NODE_FLAGS?.split(' ') ?? [];
    const command = {
      selvage: async () => [...AGENT_FLAGS, ...extra, '--expose-gc', await programs.path('selvage-program'), ...args],
      'raw aedes': async () => [...extra, '--expose-gc', await programs.path('aedes-program'), ...args],
      mosquitto: () => Promise.resolve(['-c', join(dir.path, 'mosquitto.conf')]),
    };
    const program = name === 'mosquitto' ? 'mosquitto' : process.execPath;
    const child = new Child(pinned(HUB_CORE, [program, ...(await command[name]())]), { talks: name !== 'mosquitto' });
    const broker = new BrokerProcess(name, port, tlsPort, dir, child);
    if (name !== 'mosquitto') await child.ask();
    await until(async () => !child.running || (await accepts(port)), { describe: () => `${name}: ${child.output}` });
    if (!child.running) throw new Error(`${name} ended; it said:\n${child.output}`);
    return broker;
  }

  get tls(): { port: number; tls: string } {
    return { port: this.tlsPort, tls: this.dir.path };
  }

  get pid(): number {
    return this.child.pid;
  }

  get cpu(): number {
    return cpuSeconds(this.child.pid);
  }

  /** Resident memory without garbage, MiB. */
  async memory(): Promise<number> {
    if (this.name !== 'mosquitto') await this.child.ask({ do: 'collect' });
    return residentMiB(this.child.pid);
  }

  async stop(): Promise<void> {
    await this.child.kill();
    this.dir.remove();
  }
}

function wantedOf({ devices = [] }: BrokerNeeds, fingerprint: string): object {
  const device = (id: string, fingerprints: readonly string[]): object => ({
    ...{ id, name: id, description: '', properties: {}, attributes: {}, visitors: {} },
    credentials: { fingerprints, logins: [] },
  });
  return {
    broker: { limits: { connections: 100_000, connectsPerSecond: 100_000 }, webSocket: { enabled: false } },
    devices: { devices: [device('bench', [fingerprint]), ...devices.map((id) => device(id, []))], clients: [] },
    twins: { devices: [] },
  };
}

/** Without limits of its own that the load could meet, and without a disk. */
function mosquittoConfig({ folder, port, tlsPort }: { folder: string; port: number; tlsPort: number }): string {
  return [
    'user root',
    'allow_anonymous true',
    'set_tcp_nodelay true',
    'max_queued_messages 0',
    'max_inflight_messages 0',
    'log_type error',
    `listener ${port} 127.0.0.1`,
    `listener ${tlsPort} 127.0.0.1`,
    `cafile ${join(folder, 'ca.pem')}`,
    `certfile ${join(folder, 'server.pem')}`,
    `keyfile ${join(folder, 'server.key')}`,
    'require_certificate true',
    '',
  ].join('\n');
}
