import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, tempDir } from '@selvage/testkit';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { guideEnvironment, GuideReader, stepsOf, title } from '../stage/guide.js';
import { root } from '../stage/process.js';

const GUIDE = join(root, 'docs', 'from-sensor-to-webhook.md');

describe('the guide "from a sensor to a webhook"', () => {
  const folder = tempDir();
  let reader: GuideReader;

  beforeAll(async () => {
    const [receiver, mqtt] = await Promise.all([freePort(), freePort()]);
    const env = { ...(await guideEnvironment(folder.path)), SELVAGE_MQTT_PLAIN_PORT: String(mqtt) };
    const url = `mqtt://127.0.0.1:${mqtt}`;
    // The ports of the guide may be taken here.
    const written = (text: string): string =>
      text
        .replaceAll('9000', String(receiver))
        .replace('mqtt://127.0.0.1:1883', url)
        .replace('thermometer/main.js', `$& --url ${url}`);
    reader = new GuideReader({ folder: folder.path, env, written });
  });
  afterAll(async () => {
    await reader.goes();
    folder.remove();
  });

  it.each(stepsOf(readFileSync(GUIDE, 'utf8')).map((step) => [title(step), step] as const))('%s', async (_, step) => {
    await reader.does(step);
  });
});
