/**
 * The one catalogue of errors. `status` is the HTTP status; `message` is the sentence a person reads first,
 * `detail` (given where the error is thrown) says what happened and what to do about it.
 */
const catalogue = {
  // the caller's mistake
  bad_request: [400, 'The request is not valid.'],
  invalid_manifest: [400, 'The manifest is not valid.'],
  invalid_selector: [400, 'The label selector is not valid.'],
  invalid_image: [400, 'The image reference is not valid.'],
  invalid_cursor: [400, 'The list cursor is not valid.'],
  csr_refused: [400, 'The certificate signing request was refused.'],
  unauthenticated: [401, 'Log in first.'],
  wrong_password: [401, 'The user name or the password is wrong.'],
  token_invalid: [401, 'The join token is not known.'],
  token_expired: [401, 'The join token has expired.'],
  token_used: [401, 'The join token was used already.'],
  token_wrong_node: [403, 'The join token belongs to another node.'],
  certificate_invalid: [401, 'The certificate is not valid here.'],
  certificate_revoked: [403, 'The certificate was revoked.'],
  certificate_expired: [403, 'The certificate expired and the grace window for renewing it is over.'],
  ca_mismatch: [403, 'The hub is not the one that the join token names.'],
  forbidden: [403, 'Not allowed.'],
  mount_forbidden: [403, 'This host path may not be mounted.'],
  node_disabled: [403, 'The node is disabled.'],
  not_found: [404, 'Not found.'],
  method_not_allowed: [405, 'This is not done here.'],
  conflict: [409, 'The object changed in the meantime.'],
  already_exists: [409, 'The name is taken.'],
  port_conflict: [409, 'The host port is taken by another app on the same node.'],
  in_use: [409, 'The object is still in use.'],
  identity_in_use: [409, 'Another machine is connected with the same identity.'],
  body_too_large: [413, 'The request body is too large.'],
  frame_too_large: [413, 'The frame is too large.'],
  protocol_mismatch: [426, 'The agent and the hub speak different protocol versions.'],
  too_many_requests: [429, 'Too many requests.'],
  config_invalid: [500, 'The configuration is not valid.'],
  data_folder_in_use: [500, 'Another process uses this data folder.'],
  key_file_unreadable: [500, 'A key file cannot be read.'],
  // the world's failure: retried, and shown in status
  node_offline: [503, 'The node is offline.'],
  deadline_exceeded: [504, 'The answer did not come in time.'],
  hub_unreachable: [503, 'The hub cannot be reached.'],
  database_unavailable: [503, 'The database is not available.'],
  database_damaged: [503, 'The database is damaged.'],
  overloaded: [503, 'The hub is busy; try again in a moment.'],
  endpoint_failed: [502, 'The endpoint refused, or could not be reached.'],
  route_conflict: [409, 'The route does not go together with others.'],
  target_refused: [400, 'The hub does not send to this address.'],
  docker_unavailable: [503, 'The Docker engine does not answer.'],
  docker_error: [502, 'The Docker engine refused the request.'],
  image_pull_failed: [502, 'The image could not be pulled.'],
  arch_mismatch: [502, 'The image is not built for this machine.'],
  out_of_disk: [507, 'The disk is full.'],
  port_taken: [502, 'The host port is in use on the node.'],
  secret_missing: [502, 'The secret that the app names does not exist.'],
  service_unreachable: [502, 'The service on the node cannot be reached.'],
  container_exited: [502, 'The container exited.'],
  start_failed: [502, 'The container could not be started.'],
  call_cancelled: [499, 'The call was cancelled.'],
  // a bug
  internal: [500, 'Something went wrong inside. The log has the details.'],
} as const satisfies Record<string, readonly [status: number, message: string]>;

export type ErrorCode = keyof typeof catalogue;

/** An error that a person will read: a code of the catalogue, its sentence and a detail that says what to do. */
export class EdgeError extends Error {
  override readonly name = 'EdgeError';

  constructor(
    readonly code: ErrorCode,
    readonly detail: string,
    options?: ErrorOptions,
  ) {
    super(`${catalogue[code][1]} ${detail}`.trim(), options);
  }

  /** HTTP status that goes with the code. */
  get status(): number {
    return catalogue[this.code][0];
  }

  /** The sentence of the catalogue, without the detail. */
  get sentence(): string {
    return catalogue[this.code][1];
  }
}

/** Whether a string, from the wire for instance, is a code of the catalogue. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(catalogue, code);
}

/** Any thrown value as an `EdgeError`; what is not one already becomes `internal` with the original as its cause. */
export function toEdgeError(thrown: unknown): EdgeError {
  if (thrown instanceof EdgeError) return thrown;
  const detail = thrown instanceof Error ? thrown.message : String(thrown);
  return new EdgeError('internal', detail, { cause: thrown });
}
