import { expect, it } from 'vitest';
import type { AgentStatus } from './local-api/index.js';
import { statusText } from './status-text.js';

it('a status says in words what is wrong', () => {
  const time = '2030-01-01T00:00:00.000Z';
  const failure = { code: 'certificate_revoked', message: 'The certificate was revoked.' };
  const status: AgentStatus = {
    agentVersion: '1.0.0',
    nodeVersion: 'v20',
    startedAt: time,
    node: { project: 'default', node: 'edge-1' },
    hub: { url: 'https://hub:8443', state: 'refused', since: time, reason: 'The certificate was revoked.' },
    engine: { state: 'not_answering', reason: 'No\u001B[2J\u009Banswer.' },
    certificate: { serial: 'a', notAfter: time, daysLeft: -1, renewAt: time, renewing: false, failure },
    apps: [{ app: 'web', uid: 'u', revision: 3, state: 'running', containers: [] }],
    routes: [
      {
        ...{ name: 'up', state: 'paused', taken: 9, filtered: 1, failed: 2 },
        ...{ waiting: 3, bytes: 300, dead: 1, dropped: 4 },
      },
    ],
  };
  expect(statusText(status)).toBe(
    [
      'node         default/edge-1',
      'agent        1.0.0',
      'hub          https://hub:8443 refused since 2030-01-01T00:00:00.000Z: The certificate was revoked.',
      '             To do: make a new token at the hub and run "selvage-agent join --force --hub URL --token TOKEN".',
      'Docker       not answering: No [2J answer.',
      'certificate  -1 days left: The certificate was revoked.',
      'revision     none yet',
      'app web      running (revision 3)',
      'route up     paused, 3 waiting, 1 dead letters, 4 dropped',
      '',
    ].join('\n'),
  );
});
