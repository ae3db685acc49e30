/** `npm run bench`: builds everything, bundles the scoreboard and runs it with a real Docker engine. */
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { ensureDockerEngine, installPackages } from './docker-engine.mjs';

const root = resolve(import.meta.dirname, '..');
const folder = join(root, 'node_modules', '.cache', 'selvage-bench');
/** Figures that run containers; the others simulate their nodes. */
const WITH_ENGINE = ['1', '2', '3', '20'];
const given = process.argv.slice(2).filter((text, index, all) => /^\d+$/.test(text) && all[index - 1] !== '--pairs');
const needsEngine = given.length === 0 || given.some((number) => WITH_ENGINE.includes(number));

const packages = ['iproute2', 'mosquitto', 'openssl', 'redis-server', 'util-linux'];
if (needsEngine) packages.push('docker.io', 'docker-registry', 'busybox-static');
const missing = installPackages(packages, console.error);
if (missing) stopWith(missing);
const built = spawnSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: ['ignore', 2, 2] });
if (built.status !== 0) stopWith('The build failed: the lines above say why.');
await build({
  entryPoints: {
    main: join(root, 'test/bench/main.ts'),
    worker: join(root, 'test/bench/fleet/worker.ts'),
    'bare-server': join(root, 'test/bench/fleet/bare-server.ts'),
  },
  bundle: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node20',
  outdir: folder,
  outExtension: { '.js': '.mjs' },
  define: { 'import.meta.dirname': JSON.stringify(join(root, 'test/stage')) },
  logLevel: 'warning',
});
const engine = needsEngine ? await ensureDockerEngine({ install: true, log: console.error }) : undefined;
if (engine?.state === 'unavailable') stopWith(`No Docker engine: ${engine.reason}.`);
const run = spawnSync(process.execPath, ['--expose-gc', join(folder, 'main.mjs'), ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
});
await engine?.stop();
process.exitCode = run.status ?? 1;

function stopWith(reason) {
  console.error(reason);
  process.exit(1);
}
