/**
 * What `npm start -- --demo` adds: a sample app in a container, a simulated thermometer, and a route from it to the hub's live feed. Plain
 * Node.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { buildHello } from './demo-image.mjs';
import { logIn } from './hub-calls.mjs';

const APPLY_MS = 60_000;

/**
 * Deploys all of it; gives the programs to start and to stop.
 * @param {object} place `root`: of the checkout; `url`: of the hub; `password`; `socket`: of the Docker engine, undefined when there is
 *   none; `mqttPort`: of the broker's plain listener; `service`: makes a program that is looked after
 */
export async function startDemo({ root, url, password, socket, mqttPort, service, say, signal }) {
  const session = await logIn(url, password);
  const env = { ...process.env, SELVAGE_URL: url, SELVAGE_TOKEN: session.token };
  const cli = [process.execPath, join(root, 'apps/cli/bin/selvage.js')];
  const example = (...path) => join(root, 'examples', ...path);
  const files = ['-f', example('thermometer', 'device.yaml'), '-f', example('demo', 'route.yaml')];
  await run([...cli, 'apply', '--project', 'default', ...files], { env, signal });
  const image = socket === undefined ? undefined : await buildHello({ socket, file: example('hello', 'main.js'), say });
  if (image !== undefined) {
    await run([...cli, 'apply', '--project', 'default', '-f', '-'], { env, signal, input: helloApp(image) });
    say('The sample app "hello" is deployed: npx --no selvage logs -f app/hello');
  }
  const mqtt = ['--url', `mqtt://127.0.0.1:${mqttPort}`, '--node', 'local', '--every', '2'];
  const programs = [
    service('route', [...cli, 'route', 'watch', 'demo', '--project', 'default'], () => env),
    service('thermometer', [process.execPath, example('thermometer', 'main.js'), ...mqtt], () => process.env),
  ];
  for (const program of programs) {
    program.start();
    program.ready();
  }
  say('A thermometer publishes on the node, and the route "demo" brings what it says to the hub:');
  return {
    stop: async () => {
      for (const program of programs.toReversed()) await program.stop();
      await session.logOut();
    },
  };
}

function helloApp(image) {
  const containers = [{ name: 'hello', image, env: [{ name: 'SITE', value: 'the demo' }] }];
  return JSON.stringify({ kind: 'App', name: 'hello', spec: { placement: { nodes: ['local'] }, containers } });
}

function run([program, ...args], { env, signal, input = '' }) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, signal, timeout: APPLY_MS, stdio: ['pipe', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code, how) => {
      if (code === 0) resolve();
      else reject(new Error(`The demo cannot be deployed (${code ?? how}): ${said.trim()}`));
    });
    child.stdin.end(input);
  });
}
