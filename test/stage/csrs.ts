import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TempDir, tempDir } from '@selvage/testkit';
import { run } from './process.js';

/** Signing requests from OpenSSL, which makes what our own code never would. */
export class Csrs {
  private readonly folder: TempDir = tempDir();
  private count = 0;

  /** A request for a key that OpenSSL makes with these arguments of `genpkey`, with more arguments of `req`. */
  async make(key: readonly string[], asks: readonly string[] = []): Promise<string> {
    this.count += 1;
    const [keyFile, config] = [this.path('key'), this.path('cnf')];
    writeFileSync(config, '[req]\ndistinguished_name=name\n[name]\n');
    await openssl('genpkey', ...key, '-out', keyFile);
    return openssl('req', '-new', '-config', config, '-key', keyFile, '-subj', '/', ...asks);
  }

  /** The same request with one byte of its signature another. */
  async forged(): Promise<string> {
    const lines = (await this.make(P256)).trim().split('\n');
    const bytes = Buffer.from(lines.slice(1, -1).join(''), 'base64');
    const last = bytes.length - 1;
    bytes.writeUInt8(bytes.readUInt8(last) ^ 1, last);
    return [lines[0], bytes.toString('base64'), lines.at(-1)].join('\n');
  }

  remove(): void {
    this.folder.remove();
  }

  private path(kind: string): string {
    return join(this.folder.path, `${this.count}.${kind}`);
  }
}

export const P256 = ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'];
export const rsa = (bits: number, exponent = 65_537): string[] => [
  ...['-algorithm', 'RSA', '-pkeyopt', `rsa_keygen_bits:${bits}`],
  ...['-pkeyopt', `rsa_keygen_pubexp:${exponent}`],
];

async function openssl(...args: string[]): Promise<string> {
  const { code, output } = await run(['openssl', ...args]);
  if (code !== 0) throw new Error(`openssl ${args.join(' ')}:\n${output}`);
  const pem = /-----BEGIN[^]*-----END [A-Z ]+-----/.exec(output)?.[0];
  return pem === undefined ? '' : `${pem}\n`;
}
