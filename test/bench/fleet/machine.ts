import { execFileSync } from 'node:child_process';

/** The system under test has this core for itself, as far as the machine allows; everything that loads it has the other. */
export const HUB_CORE = '0';
export const LOAD_CORE = '1';

/** Open files that one process may have here: an upper bound for the nodes that one hub can hold. */
export const openFiles = Number(execFileSync('sh', ['-c', 'ulimit -H -n'], { encoding: 'utf8' }).trim()) || 1_000_000;

/** A command that keeps to one core and may open as many files as the machine allows; its process id is the command's own. */
export function pinned(core: string, command: readonly string[]): string[] {
  return ['taskset', '-c', core, 'sh', '-c', 'ulimit -n "$(ulimit -H -n)" && exec "$@"', 'sh', ...command];
}

/** Moves a process that runs already, with all its threads. */
export function pin(pid: number, cores: string): void {
  execFileSync('taskset', ['-a', '-c', '-p', cores, String(pid)], { stdio: 'ignore' });
}

/** Milliseconds on the clock that all processes of this machine share. */
export function moment(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** What OpenSSL does on the hub's core, operations per second. */
export interface CryptoSpeed {
  readonly signs: number;
  readonly verifies: number;
  readonly exchanges: number;
}

export function cryptoSpeed(): CryptoSpeed {
  const ask = (...what: string[]): string =>
    execFileSync('taskset', ['-c', HUB_CORE, 'openssl', 'speed', '-seconds', '1', ...what], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  const [, signs, verifies] = /ecdsa \(nistp256\).*?([\d.]+)\s+([\d.]+)$/m.exec(ask('ecdsap256')) ?? [];
  const [, exchanges] = /ecdh \(X25519\).*?([\d.]+)$/m.exec(ask('ecdhx25519')) ?? [];
  return { signs: Number(signs), verifies: Number(verifies), exchanges: Number(exchanges) };
}

/** Seconds that one core needs for the cryptography of so many mutual handshakes: a signature, two verifications, a key exchange. */
export function handshakeSeconds(nodes: number, { signs, verifies, exchanges }: CryptoSpeed): number {
  return nodes * (1 / signs + 2 / verifies + 1 / exchanges);
}
