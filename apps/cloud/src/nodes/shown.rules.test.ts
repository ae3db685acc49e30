import { node } from '@selvage/protocol';
import { describe, expect, it } from 'vitest';
import { type LiveNode, shownNode, type StoredNode } from './shown.rules.js';

const now = Date.parse('2026-03-01T00:00:00.000Z');
const stored: StoredNode = {
  project: 'default',
  name: 'n1',
  labels: { site: 'a' },
  revision: 3,
  createdAt: '2026-01-01T00:00:00.000Z',
  updatedAt: '2026-01-02T00:00:00.000Z',
  enabled: true,
  description: '',
  joinedAt: null,
  lastSeenAt: null,
  facts: null,
};
const live: LiveNode = { heardAt: undefined, certificateNotAfter: undefined, revisions: {} };

describe('a node that is shown', () => {
  it('has nothing in its status that is not known', () => {
    const shown = shownNode(stored, live, now);
    expect(Object.keys(shown.status)).toEqual(['state', 'reason']);
    expect(node.parse(shown)).toEqual(shown);
  });

  it('was last seen when its live link was last heard', () => {
    const joined = { ...stored, joinedAt: '2026-02-01T00:00:00.000Z', lastSeenAt: '2026-02-02T00:00:00.000Z' };
    const online = {
      heardAt: now - 1000,
      certificateNotAfter: '2026-03-31T12:00:00.000Z',
      revisions: { desired: 9, stored: 8 },
    };
    expect(shownNode(joined, online, now).status).toEqual({
      state: 'ready',
      lastSeenAt: '2026-02-28T23:59:59.000Z',
      joinedAt: '2026-02-01T00:00:00.000Z',
      certificateDaysLeft: 30,
      desiredRevision: 9,
      storedRevision: 8,
    });
    expect(shownNode(joined, live, now).status.lastSeenAt).toBe('2026-02-02T00:00:00.000Z');
  });
});
