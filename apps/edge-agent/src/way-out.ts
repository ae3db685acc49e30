import { EdgeError, type ErrorCode } from '@selvage/protocol';

const JOIN_AGAIN = 'make a new token at the hub and run "selvage-agent join --force --hub URL --token TOKEN".';
const STEPS: readonly (readonly [code: ErrorCode, step: string])[] = [
  ['certificate_invalid', JOIN_AGAIN],
  ['certificate_revoked', JOIN_AGAIN],
  ['certificate_expired', JOIN_AGAIN],
  ['ca_mismatch', JOIN_AGAIN],
  ['not_found', JOIN_AGAIN],
  ['node_disabled', 'let it in again with "selvage node enable NODE".'],
  ['identity_in_use', 'stop the other agent that has this identity, or join here with --force as a node of its own.'],
  ['protocol_mismatch', 'install an agent of the version that the hub has.'],
];
const OTHERWISE = `if this node is to go on: ${JOIN_AGAIN}`;

/** What to do about a refusal of the hub, by the sentence of the catalogue that its reason begins with. */
export function wayOut(reason: string): string {
  const found = STEPS.find(([code]) => reason.startsWith(new EdgeError(code, '').message));
  return found?.[1] ?? OTHERWISE;
}
