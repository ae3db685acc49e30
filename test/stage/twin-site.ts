import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, tempDir, until } from '@selvage/testkit';
import { bundleProgram } from './bundle.js';
import { Program } from './process.js';

/** A node's broker and twins in a process of its own, on a folder that outlives it. */
export class TwinSite {
  readonly folder = tempDir('selvage-twins-');
  port = 0;
  #program: Program | undefined;

  async start(): Promise<void> {
    this.port ||= await freePort();
    this.#program ??= new Program('twins', [
      ...[process.execPath, await bundleProgram('test/stage/twin-server.ts')],
      ...[this.folder.path, String(this.port)],
    ]);
    this.#program.clear();
    this.#program.start();
    await until(() => this.output.includes('listening'), { timeoutMs: 30_000, describe: () => this.output });
  }

  get output(): string {
    return this.#program?.output ?? '';
  }

  /** Takes its life, and gives it another. */
  async killAndStart(): Promise<void> {
    await this.#program?.stop('SIGKILL');
    await this.start();
  }

  /** What the hub wants from now on, by section. */
  want(sections: Readonly<Record<string, unknown>>): void {
    writeFileSync(join(this.folder.path, 'wanted.json'), JSON.stringify(sections));
    process.kill(this.#program?.pid ?? 0, 'SIGHUP');
  }

  async close(): Promise<void> {
    await this.#program?.stop('SIGKILL');
    this.folder.remove();
  }
}

/** A device as section `devices` has it. */
export function wantedDevice(id: string, more: object = {}): object {
  const credentials = { fingerprints: [], logins: [] };
  return { ...{ id, name: id, description: '', properties: {}, attributes: {}, visitors: {}, credentials }, ...more };
}
