import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { Authority, newKeyPair } from '@selvage/pki';
import { freePort } from '@selvage/testkit';
import { cpuSeconds, residentMiB } from '../resources.js';
import type { BareCredentials } from './bare-server.js';
import { Inspector } from './inspector.js';
import { HUB_CORE, pinned } from './machine.js';

/** The bare WebSocket server on the hub's core, with a certificate of an authority of its own. */
export class BareProcess {
  url = '';
  /** What its clients trust, PEM. */
  ca = '';
  private child: ChildProcess | undefined;
  private inspectPort = 0;

  /** `clientRoots`: who its clients have to be certified by. */
  async start(clientRoots: string): Promise<void> {
    this.inspectPort = await freePort();
    const program = join(dirname(process.argv[1] ?? ''), 'bare-server.mjs');
    const node = [process.execPath, `--inspect-port=127.0.0.1:${this.inspectPort}`, program];
    const [command = '', ...args] = pinned(HUB_CORE, node);
    const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.child = child;
    child.send(await this.credentials(clientRoots));
    const [{ port }] = (await once(child, 'message')) as [{ port: number }];
    this.url = `wss://127.0.0.1:${port}/`;
  }

  /** Resident memory without garbage, MiB. */
  async memory(): Promise<number> {
    const pid = this.child?.pid ?? 0;
    const inspector = await Inspector.open(pid, this.inspectPort);
    await inspector.collectGarbage();
    inspector.close();
    return residentMiB(pid);
  }

  /** Processor time that it has used, seconds. */
  get cpu(): number {
    return cpuSeconds(this.child?.pid ?? 0);
  }

  async stop(): Promise<void> {
    const { child } = this;
    if (child?.exitCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  private async credentials(clientRoots: string): Promise<BareCredentials> {
    const [now, passphrase] = [Date.now(), 'bench'];
    const authority = Authority.load(await Authority.create({ passphrase, now, name: 'bench' }), passphrase);
    const { publicKey, privateKey } = await newKeyPair();
    const issued = await authority.issueHub({ publicKey, name: 'bare', hosts: ['127.0.0.1'] }, { days: 1, now });
    this.ca = authority.root;
    return { key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), cert: issued.chain, clientRoots };
  }
}
