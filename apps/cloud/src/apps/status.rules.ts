import type { AppStatus, Instance, NodeState } from '@selvage/protocol';

/** What identifies the present version of an app. */
export interface AppVersion {
  readonly name: string;
  readonly uid: string;
  readonly revision: number;
}

/** What a node last reported of an app. */
export interface InstanceReport {
  readonly node: string;
  readonly instance: Instance;
  readonly reportedAt: string;
}

type State = Instance['state'];
type ShownInstance = AppStatus['instances'][number];

/** Worst first. */
const SEVERITY: readonly State[] = ['failed', 'progressing', 'unknown', 'running', 'completed'];

/**
 * The status of an app from what its nodes reported. A wanted node without a report counts as `unknown`; a report about an
 * older revision as `progressing`. Nodes that are no longer wanted are shown while they still report, and do not count.
 */
export function appStatus(
  app: AppVersion,
  wanted: ReadonlyMap<string, NodeState>,
  reports: readonly InstanceReport[],
): AppStatus {
  const ofApp = reports.filter(({ instance }) => instance.uid === app.uid);
  const byNode = new Map(ofApp.map((report) => [report.node, report]));
  const counted = [...wanted].map(([node, state]) => wantedInstance(app, { node, state, report: byNode.get(node) }));
  const leaving = ofApp.filter(({ node }) => !wanted.has(node)).map((report) => shown(report, 'not_placed'));
  return {
    state: byNode.size === 0 ? 'unknown' : worst(counted.map(({ state }) => state)),
    wanted: wanted.size,
    running: counted.filter(({ state, revision }) => state === 'running' && revision === app.revision).length,
    instances: [...counted, ...leaving].sort((a, b) => (a.node < b.node ? -1 : 1)),
  };
}

interface Wanted {
  readonly node: string;
  readonly state: NodeState;
  readonly report: InstanceReport | undefined;
}

function wantedInstance(app: AppVersion, { node, state, report }: Wanted): ShownInstance {
  if (!report)
    return {
      app: app.name,
      uid: app.uid,
      revision: app.revision,
      node,
      state: 'unknown',
      containers: [],
      nodeState: state,
    };
  const instance = shown(report, state);
  const old = instance.revision < app.revision && (instance.state === 'running' || instance.state === 'completed');
  return old ? { ...instance, state: 'progressing' } : instance;
}

function shown({ instance, node, reportedAt }: InstanceReport, nodeState: string): ShownInstance {
  return { ...instance, node, reportedAt, nodeState };
}

function worst(states: readonly State[]): State {
  return SEVERITY.find((state) => states.includes(state)) ?? 'unknown';
}
