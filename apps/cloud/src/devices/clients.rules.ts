import type { ClientCredentials, ClientSpec, DesiredClient } from '@selvage/protocol';

/** Bytes for the hashes of a client's credentials. */
const CREDENTIALS = 300;

/** A client as it is kept. */
export interface StoredClient {
  readonly name: string;
  readonly node: string | null;
  readonly spec: Omit<ClientSpec, 'node'>;
}

/** A client's spec as the API shows it. */
export function shownClientSpec({ node, spec }: StoredClient): ClientSpec {
  return { ...(node !== null && { node }), ...spec };
}

/** A client as its node gets it. */
export function desiredClient(
  { name, spec }: Omit<StoredClient, 'node'>,
  credentials: ClientCredentials,
): DesiredClient {
  return { name, credentials, grants: spec.grants };
}

/** Bytes that a client takes in what its node is sent. */
export function sizeOfClient(client: DesiredClient): number {
  return Buffer.byteLength(JSON.stringify(client), 'utf8') + CREDENTIALS;
}
