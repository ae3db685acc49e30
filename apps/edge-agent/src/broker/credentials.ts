/** Who may come in with which certificate or login, as the hub's section `devices` says. Pure. */
import type { ClientCredentials, DesiredDevices } from '@selvage/protocol';
import type { Principal } from './acl.js';

/** A user name with the hash of its password. */
export interface Login {
  readonly who: Principal;
  readonly passwordHash: string;
}

export interface Credentials {
  /** By `kind/name fingerprint`: a certificate counts for whom it names only. */
  readonly certificates: ReadonlyMap<string, Principal>;
  readonly logins: ReadonlyMap<string, Login>;
  /** Everybody that is known, `kind/id`. */
  readonly known: ReadonlySet<string>;
}

export function credentialsOf({ devices, clients }: DesiredDevices): Credentials {
  const certificates = new Map<string, Principal>();
  const logins = new Map<string, Login>();
  const known = new Set<string>();
  const add = (who: Exclude<Principal, { kind: 'local' }>, { fingerprints, logins: own }: ClientCredentials): void => {
    known.add(`${who.kind}/${who.id}`);
    for (const fingerprint of fingerprints) certificates.set(certificateKey(who, fingerprint), who);
    for (const { username, passwordHash } of own) logins.set(username, { who, passwordHash });
  };
  for (const { id, credentials, grants } of devices) add({ kind: 'device', id, grants }, credentials);
  for (const { name, credentials, grants } of clients) add({ kind: 'app', id: name, grants }, credentials);
  return { certificates, logins, known };
}

export function certificateKey({ kind, id }: Pick<Principal, 'kind' | 'id'>, fingerprint: string): string {
  return `${kind}/${id} ${fingerprint}`;
}

/** Whether two principals are the same with the same rights. */
export function isSame(one: Principal, other: Principal | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
