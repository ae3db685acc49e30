import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runInThisContext } from 'node:vm';
import { until } from '@selvage/testkit';
import { expect, it } from 'vitest';
import type { Device } from './device.js';
import * as sdk from './index.js';
import { TestNode } from './test-node.js';

const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8');
const example = /```js\nimport (.*) from '@selvage\/device-sdk';\n\n([^`]*)```/.exec(readme);

it('the example of the README has ten lines and does what it says', async () => {
  const [, names = '', body = ''] = example ?? [];
  expect(body.trim().split('\n').length + 1).toBeLessThanOrEqual(10);
  const node = await TestNode.start();
  node.rename('thermometer');
  const code = body.replace('mqtt://127.0.0.1:1883', node.url);
  const run = runInThisContext(`(async (${names}) => { ${code}; return { device }; })`) as (
    given: typeof sdk,
  ) => Promise<{ device: Device }>;
  const { device } = await run(sdk);
  expect(node.actual('temperature')).toBe('21.5');
  node.wish('led', 'true', { cloud: 1, edge: 0 });
  await until(() => node.actual('led') === 'true');
  expect(await device.close()).toEqual([]);
  await node.stop();
});
