import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { tempDir, until } from '@selvage/testkit';

const call = promisify(execFile);
const BYTES = 256 * 1024 * 1024;
/** `EXT4_IOC_SHUTDOWN` without flushing: from here on nothing reaches the disk, what was not synchronised never did. */
const SHUT_DOWN = `open(my $d, '<', $ARGV[0]) or die "$!\\n"; ioctl($d, 0x8004587d, my $how = pack('L', 2)) or die "$!\\n"`;
const NEEDED = 'Power cuts need root, mkfs.ext4 (e2fsprogs), perl and loop devices (/dev/loop*, mount -o loop).';

/** A disk of its own, mounted on a folder, whose power can be cut. */
export class PowerCutDisk {
  readonly #image = tempDir('selvage-disk-');
  #state: 'new' | 'off' | 'on' | 'cut' = 'new';

  constructor(readonly path: string) {}

  /** Power is there: the disk is mounted, after a cut as its journal has it. No process may hold a file of it that was open before. */
  async on(): Promise<void> {
    if (this.#state === 'on') return;
    if (this.#state === 'new') await this.#format();
    if (this.#state === 'cut') await this.#unmount();
    // Without the guess that a rename wants its file synchronised: who needs that has to say so.
    await command('mount', '-o', 'loop,noauto_da_alloc', this.#file, this.path);
    this.#state = 'on';
  }

  /**
   * Cuts the power of the disk and of the process that writes on it, which says nothing from then on and has to be killed. It is frozen
   * first: a synchronisation that is under way when a file system is shut down may still be reported as done.
   */
  async cut(pid: number): Promise<void> {
    if (stateOf(pid) !== 'Z') {
      process.kill(pid, 'SIGSTOP');
      await until(() => 'TZ'.includes(stateOf(pid)), { everyMs: 1, describe: () => `process ${pid} to stand still` });
    }
    await command('perl', '-e', SHUT_DOWN, this.path);
    this.#state = 'cut';
  }

  /** Leaves nothing behind, whoever still holds a file of it. */
  async remove(): Promise<void> {
    if (this.#state === 'on' || this.#state === 'cut') await command('umount', '-l', this.path);
    this.#state = 'new';
    this.#image.remove();
  }

  get #file(): string {
    return join(this.#image.path, 'disk');
  }

  /** A container that was being started at that moment has this mount as well for a little while, and keeps the dead disk busy. */
  async #unmount(): Promise<void> {
    await command('umount', this.path);
    this.#state = 'off';
    await until(async () => (await command('losetup', '--associated', this.#file)) === '', {
      everyMs: 2,
      describe: () => `the loop device of ${this.#file} to be free`,
    });
  }

  async #format(): Promise<void> {
    const file = await open(this.#file, 'w', 0o600);
    await file.truncate(BYTES);
    await file.close();
    await mkdir(this.path, { recursive: true });
    await command('mkfs.ext4', '-q', '-F', '-b', '4096', '-E', 'lazy_itable_init=0,lazy_journal_init=0', this.#file);
  }
}

/** The letter of `proc(5)` for what the main thread of a child does; a child that ended and was waited for is a zombie as well. */
function stateOf(pid: number): string {
  try {
    return /\) (.)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1] ?? 'Z';
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return 'Z';
    throw error;
  }
}

async function command(program: string, ...args: readonly string[]): Promise<string> {
  const env = { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` };
  try {
    return (await call(program, args, { env, timeout: 30_000 })).stdout;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.trim() : String(cause);
    throw new Error(`${NEEDED} This failed: ${why}`, { cause });
  }
}
