import type { AgentStatus, RouteFigures } from './agent-status.js';

const APP_STATES = ['progressing', 'running', 'failed', 'completed', 'unknown'] as const;

type Broker = NonNullable<AgentStatus['broker']>;

interface Metric {
  readonly name: string;
  readonly help: string;
  /** Labels as Prometheus writes them, `{state="running"}` for instance, and the value. */
  readonly values: readonly (readonly [labels: string, value: number])[];
}

/** The metrics page in the text format of Prometheus 0.0.4. */
export function metricsText(status: AgentStatus, residentBytes: number): string {
  return metrics(status, residentBytes).map(lines).join('');
}

function metrics(
  { hub, engine, certificate, apps, agentVersion, broker, routes = [] }: AgentStatus,
  residentBytes: number,
): Metric[] {
  const inState = (state: string): number => apps.filter((one) => one.state === state).length;
  const restarts = apps.flatMap(({ containers }) => containers).reduce((sum, one) => sum + one.restarts, 0);
  return [
    one('info', 'Version of the agent.', 1, `{version="${agentVersion}"}`),
    one('link_connected', 'Whether the agent is connected to its hub.', Number(hub.state === 'connected')),
    one('engine_ready', 'Whether the Docker engine answers.', Number(engine.state === 'ready')),
    one('certificate_days_left', 'Whole days until the certificate expires.', certificate.daysLeft),
    one('container_restarts', 'Ends of the containers that are there now.', restarts),
    one('resident_memory_bytes', 'Resident memory of the agent.', residentBytes),
    {
      name: 'apps',
      help: 'Apps on this node by state.',
      values: APP_STATES.map((state) => [`{state="${state}"}`, inState(state)] as const),
    },
    ...(broker === undefined ? [] : brokerMetrics(broker)),
    ...(routes.length === 0 ? [] : routeMetrics(routes)),
  ];
}

function routeMetrics(routes: readonly RouteFigures[]): Metric[] {
  const of = (name: string, help: string, value: (route: RouteFigures) => number): Metric => {
    return { name, help, values: routes.map((route) => [`{route="${route.name}"}`, value(route)] as const) };
  };
  return [
    of('route_taken_messages', 'Messages that a route took.', ({ taken }) => taken),
    of('route_filtered_messages', 'Messages that the filter of a route left out.', ({ filtered }) => filtered),
    of('route_failed_tries', 'Tries of a route that failed on this node.', ({ failed }) => failed),
    of('route_waiting_messages', 'Messages of a route that wait on this node.', ({ waiting }) => waiting),
    of('route_waiting_bytes', 'Bytes of a route that wait on this node.', ({ bytes }) => bytes),
    of('route_dead_letters', 'Messages that a route gave up and that lie on this node.', ({ dead }) => dead),
    of('route_dropped_messages', 'Messages that a route dropped on this node.', ({ dropped }) => dropped),
  ];
}

function brokerMetrics({ listeners, clients, sessions, retained, counters }: Broker): Metric[] {
  return [
    {
      name: 'broker_listening',
      help: 'Whether a listener of the broker is open.',
      values: listeners.map(({ kind, listening }) => [`{listener="${kind}"}`, Number(listening)] as const),
    },
    one('broker_clients', 'Connected clients of the broker.', clients),
    one('broker_sessions', 'Sessions that outlive their connection.', sessions.count),
    one('broker_queued_messages', 'Messages that wait for clients.', sessions.messages),
    one('broker_queued_bytes', 'Bytes that wait for clients.', sessions.bytes),
    one('broker_retained_messages', 'Retained messages.', retained.count),
    {
      name: 'broker_events',
      help: 'How often each thing happened at the broker since the agent started.',
      values: Object.entries(counters).map(([what, value]) => [`{what="${what}"}`, value] as const),
    },
  ];
}

function one(name: string, help: string, ...[value, labels = '']: [value: number, labels?: string]): Metric {
  return { name, help, values: [[labels, value]] };
}

function lines({ name, help, values }: Metric): string {
  const full = `selvage_agent_${name}`;
  const samples = values.map(([labels, value]) => `${full}${labels} ${value}\n`);
  return `# HELP ${full} ${help}\n# TYPE ${full} gauge\n${samples.join('')}`;
}
