import type { AgentStatus } from './agent-status.js';

const APP_STATES = ['progressing', 'running', 'failed', 'completed', 'unknown'] as const;

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

function metrics({ hub, engine, certificate, apps, agentVersion }: AgentStatus, residentBytes: number): Metric[] {
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
