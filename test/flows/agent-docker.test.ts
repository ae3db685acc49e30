import { afterAll, beforeAll, describe, it } from 'vitest';
import { buildImage, pushImage, type Registry, removeImages, startRegistry, uniqueName } from '@selvage/testkit';
import { dockerContract } from '../../apps/edge-agent/src/docker/docker-contract.js';
import { DockerodeDocker } from '../../apps/edge-agent/src/docker/index.js';

let registry: Registry;
const present = `${uniqueName('selvage-contract')}:1`;
beforeAll(async () => {
  registry = await startRegistry();
  await buildImage(present);
  await pushImage(registry, { name: 'web', tag: '1' });
});
afterAll(async () => {
  await removeImages([present, `${registry.address}/web:1`]);
  await registry.stop();
});

describe('the Docker engine of this machine', () => {
  const docker = new DockerodeDocker({ socketPath: '/var/run/docker.sock' });

  it.each(dockerContract)('$name', async ({ run }) => {
    const prefix = uniqueName('contract');
    const labels = { 'io.selvage.test': prefix };
    const pullable = `${registry.address}/web:1`;
    const missing = `${registry.address}/web:2`;
    await run({ docker, present, pullable, missing, prefix, labels, freePort: 39123 });
  });
});
