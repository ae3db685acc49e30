import { afterAll, beforeAll, expect, it } from 'vitest';
import { cli, FakeHub } from '../fake-hub.js';

const hub = new FakeHub();
beforeAll(() => hub.start());
afterAll(() => hub.stop());

it('the broker of a node is shown with its listeners, its clients and what it counted', async () => {
  const count = { count: 1, subscriptions: 2, messages: 3, bytes: 2048 };
  hub.on('GET /api/v1/projects/default/nodes/edge-1/broker', {
    listeners: [
      { kind: 'tls', host: '0.0.0.0', port: 8883, listening: false, problem: 'Another program listens there.' },
    ],
    clientCount: 1,
    clients: [
      { id: 'device/a/b', kind: 'device', listener: 'tls', clean: false, subscriptions: ['x/#'], unreadBytes: 0 },
    ],
    counters: { received: 7, publish_denied: 1, frozen_client: 0 },
    sessions: count,
    retained: { count: 0, bytes: 0 },
    rates: { received: 1.2, sent: 0 },
  });
  const { out } = await cli(hub, ['node', 'broker', 'edge-1']);
  expect(out).toMatch(/tls +0\.0\.0\.0:8883 +closed +Another program listens there\./);
  expect(out).toMatch(
    /Clients \(1\):\n {2}CLIENT +LISTENER +SESSION +SUBSCRIPTIONS\n {2}device\/a\/b +tls +kept +x\/#/,
  );
  expect(out).toMatch(/publish denied: +1/);
  expect(out).toMatch(/Messages a second:\n {2}received: +1\.2\n {2}sent: +0\n/);
  expect(out).not.toContain('frozen');
});
