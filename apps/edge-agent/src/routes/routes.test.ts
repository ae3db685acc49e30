import { until } from '@selvage/testkit';
import { afterEach, describe, expect, it } from 'vitest';
import { closing } from '../broker/test-stage.js';
import { wantedRoute } from './test-route.js';
import { TestSite } from './test-site.js';

describe('routes from the broker of a node to the hub', () => {
  const sites: TestSite[] = [];
  const started = async (...routes: Parameters<typeof wantedRoute>[]): Promise<TestSite> => {
    const site = new TestSite(...routes.map((one) => wantedRoute(...one)));
    sites.push(site);
    await site.start();
    return site;
  };
  afterEach(async () => {
    for (const site of sites.splice(0)) await site.stop();
  });

  it('have what a device published on the disk when it is acknowledged', async () => {
    const site = await started(['r', { topic: 't/+/x' }]);
    const device = await site.stage.connect('lamp');
    await device.publishAsync('t/1/x', 'one', { qos: 1 });
    expect(await site.toHub()).toEqual(['routes/r t/1/x one']);
    await device.publishAsync('t/2/x', 'two', { qos: 2 });
    await device.publishAsync('t/2/y', 'other', { qos: 1 });
    expect(await site.toHub()).toEqual(['routes/r t/1/x one', 'routes/r t/2/x two']);
    await device.publishAsync('t/3/x', 'unacknowledged', { qos: 0 });
    await until(async () => (await site.toHub()).includes('routes/r t/3/x unacknowledged'));
  });

  it('follow what the hub wants: those that stay miss nothing while others come and go', async () => {
    const site = await started(['stays'], ['goes', { group: 'other' }]);
    const device = await site.stage.connect('lamp');
    await device.publishAsync('t/1', '1', { qos: 1 });
    site.desired.want([wantedRoute('stays'), wantedRoute('comes', { topic: 't/1' })]);
    await device.publishAsync('t/1', '2', { qos: 1 });
    site.desired.want([wantedRoute('stays'), wantedRoute('comes', { topic: 't/1', state: 'stopped' })]);
    await device.publishAsync('t/1', '3', { qos: 1 });
    site.desired.want([wantedRoute('stays', { state: 'paused' })]);
    await device.publishAsync('t/1', '4', { qos: 1 });
    expect((await site.toHub()).sort()).toEqual([
      'routes/comes t/1 2',
      'routes/goes t/1 1',
      'routes/stays t/1 1',
      'routes/stays t/1 3',
      'routes/stays t/1 4',
    ]);
  });

  it('goes on as before while it cannot be read what the hub wants', async () => {
    const site = await started(['r']);
    const device = await site.stage.connect('lamp');
    site.desired.broken = new Error('damaged');
    site.desired.want([]);
    await device.publishAsync('t/1', '1', { qos: 1 });
    expect(await site.toHub()).toEqual(['routes/r t/1 1']);
  });

  it('do not acknowledge what they have no room for, if the route says so', async () => {
    const budget = { bytes: 65_536, ageSeconds: 60, whenFull: 'refuse' } as const;
    const site = await started(['r', { budget }]);
    const device = await site.stage.connect('lamp');
    await device.publishAsync('t/1', Buffer.alloc(60_000), { qos: 1 });
    const closed = closing(device);
    device.publish('t/1', Buffer.alloc(60_000), { qos: 1 });
    await closed;
    site.desired.want([wantedRoute('r', { budget })]);
    site.desired.want([wantedRoute('r')]);
    expect(site.report('r')).toMatchObject({
      taken: 1,
      backlog: { count: 1 },
      dropped: [{ reason: 'refused', count: 1 }],
    });
  });
});
