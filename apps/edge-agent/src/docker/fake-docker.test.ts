import { describe, it } from 'vitest';
import { dockerContract } from './docker-contract.js';
import { FakeDocker } from './fake-docker.js';

describe('the engine in memory', () => {
  it.each(dockerContract)('$name', async ({ run }) => {
    const docker = new FakeDocker();
    docker.images.build('here:1');
    docker.images.publish('registry:5000/web:1');
    await run({
      docker,
      present: 'here:1',
      pullable: 'registry:5000/web:1',
      missing: 'registry:5000/web:2',
      prefix: 'contract',
      labels: { contract: 'yes' },
      freePort: 8080,
    });
  });
});
