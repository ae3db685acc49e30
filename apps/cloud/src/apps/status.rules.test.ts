import type { Instance, NodeState } from '@selvage/protocol';
import { describe, expect, it } from 'vitest';
import { appStatus, type InstanceReport } from './status.rules.js';

const app = { name: 'web', uid: 'u1', revision: 7 };
const at = '2026-01-01T00:00:00.000Z';
const report = (node: string, state: Instance['state'], change: Partial<Instance> = {}): InstanceReport => ({
  node,
  reportedAt: at,
  instance: { app: 'web', uid: 'u1', revision: 7, state, containers: [], ...change },
});
const nodes = (...names: string[]) => new Map(names.map((name): [string, NodeState] => [name, 'ready']));

describe('the status of an app', () => {
  it.each<[string, ReadonlyMap<string, NodeState>, InstanceReport[], string, number]>([
    ['is unknown while no node reported', nodes('n1'), [], 'unknown', 0],
    ['is unknown when no node is wanted', nodes(), [], 'unknown', 0],
    ['is running when all run', nodes('n1', 'n2'), [report('n1', 'running'), report('n2', 'running')], 'running', 2],
    ['is the worst of all', nodes('n1', 'n2'), [report('n1', 'running'), report('n2', 'failed')], 'failed', 1],
    ['is unknown when one node is silent', nodes('n1', 'n2'), [report('n1', 'running')], 'unknown', 1],
    ['is completed when all completed', nodes('n1'), [report('n1', 'completed')], 'completed', 0],
    [
      'progresses while a node runs the old revision',
      nodes('n1'),
      [report('n1', 'running', { revision: 6 })],
      'progressing',
      0,
    ],
    ['stays failed when the old revision failed', nodes('n1'), [report('n1', 'failed', { revision: 6 })], 'failed', 0],
    ['ignores an older app of the same name', nodes('n1'), [report('n1', 'running', { uid: 'u0' })], 'unknown', 0],
    ['ignores nodes not wanted', nodes('n1'), [report('n1', 'running'), report('n2', 'failed')], 'running', 1],
    ['ignores reports of the past on a node never wanted', nodes('n1'), [report('n2', 'failed')], 'unknown', 0],
  ])('%s', (_what, wanted, reports, state, running) => {
    expect(appStatus(app, wanted, reports)).toMatchObject({ state, running, wanted: wanted.size });
  });

  it('keeps the last report of an offline node and says that it is offline', () => {
    const status = appStatus(app, new Map([['n1', 'offline']]), [report('n1', 'running')]);
    expect(status.instances).toEqual([
      expect.objectContaining({ node: 'n1', state: 'running', nodeState: 'offline', reportedAt: at }),
    ]);
  });

  it('shows wanted nodes without a report and unwanted nodes that still report, by name', () => {
    const status = appStatus(app, nodes('n3'), [report('n1', 'running')]);
    expect(status.instances.map(({ node, nodeState, state }) => [node, nodeState, state])).toEqual([
      ['n1', 'not_placed', 'running'],
      ['n3', 'ready', 'unknown'],
    ]);
  });
});
