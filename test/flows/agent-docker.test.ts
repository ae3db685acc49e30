import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  buildImage,
  freePort,
  pushImage,
  type Registry,
  removeImages,
  startRegistry,
  uniqueName,
} from '@selvage/testkit';
import { dockerContract } from '../../apps/edge-agent/src/docker/docker-contract.js';
import { DockerodeDocker } from '../../apps/edge-agent/src/docker/index.js';
import { docker, pull } from '../stage/containers.js';

let registry: Registry;
const present = `${uniqueName('selvage-contract')}:1`;
beforeAll(async () => {
  registry = await startRegistry();
  await buildImage(present);
  await pushImage(registry, { name: 'web', tag: '1' });
});
afterAll(async () => {
  await removeImages([present]);
  await registry.stop();
});

describe('the Docker engine of this machine', () => {
  const adapter = new DockerodeDocker({ socketPath: '/var/run/docker.sock' });

  it.each(dockerContract)('$name', async ({ run }) => {
    const prefix = uniqueName('contract');
    const labels = { 'io.selvage.test': prefix };
    const pullable = `${registry.address}/web:1`;
    const missing = `${registry.address}/web:2`;
    await run({ docker: adapter, present, pullable, missing, prefix, labels, freePort: await freePort() });
  });
});

describe('a registry of the tests', () => {
  it('takes with it what was pulled from it, whether by tag or by digest', async () => {
    const passing = await startRegistry();
    onTestFinished(() => passing.stop());
    const reference = await pushImage(passing, { name: 'passing', tag: '1' });
    await pull(reference);
    const [digest = ''] = (await docker.getImage(reference).inspect()).RepoDigests;
    await docker.getImage(reference).remove();
    await pull(digest);
    expect((await docker.getImage(digest).inspect()).RepoDigests).toEqual([digest]);
    await passing.stop();
    await expect(docker.getImage(digest).inspect()).rejects.toMatchObject({ statusCode: 404 });
  });
});
