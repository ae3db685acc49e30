import {
  BUILT_IN_ENDPOINTS,
  EdgeError,
  type EndpointKind,
  type EndpointSpec,
  type EndpointStatus,
  type MessageEndpoint,
} from '@selvage/protocol';
import type { EndpointRow } from './endpoints.entity.js';

/** Properties of a secret that a kind reads; of each list at least one set must be there, when a secret is named. */
const READS: Record<EndpointKind, readonly (readonly string[])[]> = {
  service: [],
  webhook: [['signing'], ['authorization']],
  kafka: [['username', 'password']],
  mqtt: [
    ['username', 'password'],
    ['certificate', 'key'],
  ],
  nats: [['token'], ['username', 'password']],
  s3: [['accessKeyId', 'secretAccessKey']],
  postgres: [['username', 'password']],
};

/** @throws EdgeError `bad_request` for a name that is always there. */
export function refuseBuiltIn(name: string): void {
  if (BUILT_IN_ENDPOINTS.some((one) => one === name))
    throw new EdgeError('bad_request', `"${name}" is built in; give your endpoint another name.`);
}

/** @throws EdgeError `bad_request` when a secret does not hold what an endpoint of this kind reads. */
export function checkCredentials({ kind }: EndpointSpec, secret: string, properties: readonly string[]): void {
  const sets = READS[kind];
  if (sets.some((set) => set.every((one) => properties.includes(one)))) return;
  const wanted = sets.map((set) => set.join(' and ')).join(', or ');
  throw new EdgeError('bad_request', `spec.secret: secret "${secret}" needs the properties ${wanted}.`);
}

export function secretOf(spec: EndpointSpec): string | null {
  return 'secret' in spec ? (spec.secret ?? null) : null;
}

/** An endpoint as the API shows it. */
export function shownEndpoint(row: EndpointRow, status: EndpointStatus): MessageEndpoint {
  const { name, project, labels, revision, createdAt, updatedAt, spec } = row;
  return { name, project, labels, revision, createdAt, updatedAt, spec, status };
}
