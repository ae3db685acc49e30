/**
 * An image of a program for Node made from this machine's own Node and the libraries that it is linked with: no registry is asked. Plain
 * Node.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { request } from 'node:http';
import { basename, dirname } from 'node:path';

const DEADLINE_MS = 120_000;
/** No registry listens there: the engine takes the image that it has. */
const REPOSITORY = 'localhost/selvage-demo-hello';

/** Makes the image unless the engine has it; gives its reference, undefined when it cannot be made on this machine. */
export async function buildHello({ socket, file, say }) {
  const node = realpathSync(process.execPath);
  const libraries = librariesOf(node);
  if (libraries === undefined) {
    say('No sample app: an image of it can be made on Linux with glibc and tar only.');
    return undefined;
  }
  const tag = createHash('sha256').update(process.version).update(readFileSync(file)).digest('hex').slice(0, 12);
  const image = `${REPOSITORY}:${tag}`;
  const found = await ask(socket, { method: 'GET', path: `/images/${image}/json` });
  if (found.status === 200) return image;
  const command = JSON.stringify([node, `/${basename(file)}`]);
  const query = new globalThis.URLSearchParams([
    ['fromSrc', '-'],
    ['repo', REPOSITORY],
    ['tag', tag],
    ['changes', `ENTRYPOINT ${command}`],
  ]);
  const paths = [node, ...libraries].map((path) => path.slice(1));
  const args = [
    '--create',
    '--dereference',
    '--directory',
    '/',
    ...paths,
    '--directory',
    dirname(file),
    basename(file),
  ];
  const made = await ask(socket, { method: 'POST', path: `/images/create?${query}`, tar: args });
  if (made.status === 200 && !made.text.includes('"error"')) return image;
  say(`No sample app: the Docker engine made no image of it (${made.text.trim().slice(0, 300)}).`);
  return undefined;
}

/** Shared libraries of a program, the loader included; undefined when they cannot be told. */
function librariesOf(program) {
  const { status, stdout } = spawnSync('ldd', [program], { encoding: 'utf8' });
  if (status !== 0 || spawnSync('tar', ['--version']).status !== 0) return undefined;
  const paths = [...stdout.matchAll(/(\/\S+) \(0x/g)].map(([, path]) => path);
  return paths.length > 0 && paths.every((path) => existsSync(path)) ? paths : undefined;
}

function ask(socketPath, { method, path, tar }) {
  return new Promise((resolve, reject) => {
    const headers = tar === undefined ? {} : { 'content-type': 'application/x-tar' };
    const asked = request({ socketPath, method, path, headers, timeout: DEADLINE_MS }, (answer) => {
      let text = '';
      answer.on('data', (chunk) => (text += chunk.toString()));
      answer.once('error', reject);
      answer.once('end', () => resolve({ status: answer.statusCode, text }));
    });
    asked.once('error', reject);
    asked.once('timeout', () => asked.destroy(new Error('The Docker engine does not answer.')));
    if (tar === undefined) asked.end();
    else
      spawn('tar', tar, { stdio: ['ignore', 'pipe', 'ignore'] })
        .once('error', reject)
        .stdout.pipe(asked);
  });
}
