import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Registry } from './registry.js';

const run = promisify(execFile);
const DEADLINE_MS = 120_000;
const BUSYBOX = '/bin/busybox';
const APPLETS = ['cat', 'echo', 'false', 'httpd', 'ls', 'nc', 'seq', 'sh', 'sleep', 'true', 'wget', 'yes'];

export interface ImageContent {
  /** What `/bin/sh -c` runs; without it the container sleeps until it is stopped. */
  readonly script?: string;
  /** `linux/arm64` for instance: what the image claims to be, its program stays this machine's. */
  readonly platform?: string;
}

/** Runs until it is told to stop, and then ends at once. */
const UNTIL_STOPPED = 'trap "exit 0" TERM INT; while :; do sleep 1000 & wait $!; done';

/** Builds a small image from Debian's static busybox (package `busybox-static`), as `repository:tag`; gives its id. */
export async function buildImage(reference: string, content: ImageContent = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'selvage-image-'));
  try {
    await mkdir(join(folder, 'bin'));
    await cp(BUSYBOX, join(folder, 'bin', 'busybox'));
    for (const applet of APPLETS) await symlink('busybox', join(folder, 'bin', applet));
    await writeFile(join(folder, 'Dockerfile'), dockerfile(content));
    const platform = content.platform === undefined ? [] : ['--platform', content.platform];
    return (await docker(['build', '--quiet', '--tag', reference, ...platform, folder])).trim();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Builds an image, pushes it to the registry and removes the local copy; gives the reference to pull it by. */
export async function pushImage(
  registry: Registry,
  { name, tag, ...content }: ImageContent & { readonly name: string; readonly tag: string },
): Promise<string> {
  const reference = `${registry.address}/${name}:${tag}`;
  const config = await mkdtemp(join(tmpdir(), 'selvage-docker-'));
  await buildImage(reference, content);
  try {
    const auths = registry.login === undefined ? {} : { [registry.address]: { auth: registry.login } };
    await writeFile(join(config, 'config.json'), JSON.stringify({ auths }), { mode: 0o600 });
    await docker(['--config', config, 'push', '--quiet', reference]);
    return reference;
  } finally {
    await removeImages([reference]);
    await rm(config, { recursive: true, force: true });
  }
}

/** Removes local copies by reference or id; those that are not here are passed over. */
export async function removeImages(references: readonly string[]): Promise<void> {
  for (const reference of references) {
    const here = await docker(['images', '--quiet', '--no-trunc', reference]);
    if (here.trim() !== '') await docker(['rmi', '--force', reference]);
  }
}

/** Removes every local copy that came from a registry, which nobody may run by then. */
export async function removeImagesFrom(registry: string): Promise<void> {
  const format = '{{.Repository}}:{{.Tag}} {{.Repository}}@{{.Digest}}';
  const list = await docker(['images', '--digests', '--filter', `reference=${registry}/**`, '--format', format]);
  const copies = list.split('\n').filter((line) => line !== '');
  // What is pulled by its digest has no tag.
  await removeImages(copies.map((line) => line.split(' ')[line.includes(':<none> ') ? 1 : 0] ?? ''));
}

/** A name that no other test uses: `prefix-` and eight random digits. */
export function uniqueName(prefix: string): string {
  return `${prefix}-${randomBytes(4).toString('hex')}`;
}

function dockerfile({ script = UNTIL_STOPPED }: ImageContent): string {
  const lines = ['FROM scratch', 'COPY bin /bin', 'ENV PATH=/bin', `CMD ${JSON.stringify(['sh', '-c', script])}`];
  // No other image has the same id: who removes its own takes nobody else's.
  return [...lines, `LABEL mark=${uniqueName('image')}`].join('\n');
}

async function docker(args: readonly string[]): Promise<string> {
  const env = { ...process.env, DOCKER_BUILDKIT: '0' };
  const { stdout } = await run('docker', args, { env, timeout: DEADLINE_MS, maxBuffer: 16 * 1024 * 1024 });
  return stdout;
}
