import { Injectable } from '@nestjs/common';
import { type ClientIdentity, hashPassword } from '@selvage/pki';
import { type ClientCredentials, EdgeError } from '@selvage/protocol';
import { type EntityManager, In } from 'typeorm';
import { ClientCertificates, pieces } from '../certificates/certificates.module.js';
import { Database } from '../db/index.js';
import { LoginRow } from './devices.entity.js';

const NAMES = 500;

/** Who has credentials: devices by their ids, apps by their names. */
export type Kind = ClientIdentity['kind'];

/** What devices and apps prove with who they are: certificates, and logins of which only the hash is kept. */
@Injectable()
export class Credentials {
  constructor(
    private readonly db: Database,
    private readonly certificates: ClientCertificates,
  ) {}

  /** As the broker of a node is told them; whoever has none is left out. */
  async of({ kind, project }: { kind: Kind; project: string }, names: readonly string[]): Promise<CredentialsByName> {
    const fingerprints = await this.certificates.valid({ kind, project }, names);
    const logins = await this.logins({ kind, project }, names);
    const all = new Set([...fingerprints.keys(), ...logins.keys()]);
    return new Map(
      [...all].map((name) => {
        const login = logins.get(name);
        const known = login === undefined ? [] : [{ username: login.username, passwordHash: login.passwordHash }];
        return [name, { fingerprints: fingerprints.get(name) ?? [], logins: known }];
      }),
    );
  }

  /**
   * Sets user name and password, instead of those before. `check` runs in the transaction and refuses when the holder is gone.
   * @throws EdgeError `already_exists` when the user name is somebody else's, `bad_request`.
   */
  async setLogin(
    holder: ClientIdentity,
    { username, password }: { username: string; password: string },
    check: (tx: EntityManager) => Promise<void>,
  ): Promise<void> {
    if (/\p{Cc}/u.test(username)) throw new EdgeError('bad_request', 'username: has control characters.');
    const passwordHash = await hashPassword(password);
    const { kind, project, name } = holder;
    await this.db.write(async (tx) => {
      await this.db.nextRevision(tx);
      await check(tx);
      const taken = await tx.findOneBy(LoginRow, { project, username });
      if (taken !== null && (taken.kind !== kind || taken.name !== name)) throw usernameTaken(username, project);
      await tx.delete(LoginRow, { kind, project, name });
      await tx.insert(LoginRow, { kind, project, name, username, passwordHash });
    });
  }

  /** Once more changes nothing. */
  async removeLogin({ kind, project, name }: ClientIdentity): Promise<void> {
    await this.db.write(async (tx) => {
      await this.db.nextRevision(tx);
      await tx.delete(LoginRow, { kind, project, name });
    });
  }

  /** Everything is over, in the transaction that deletes the holder. */
  async forget(tx: EntityManager, holder: ClientIdentity): Promise<void> {
    const { kind, project, name } = holder;
    await this.certificates.revokeAll(tx, holder, `the ${kind} was deleted`);
    await tx.delete(LoginRow, { kind, project, name });
  }

  private async logins(
    { kind, project }: { kind: Kind; project: string },
    names: readonly string[],
  ): Promise<Map<string, LoginRow>> {
    const found = new Map<string, LoginRow>();
    for (const some of pieces(names, NAMES))
      for (const row of await this.db.read.findBy(LoginRow, { kind, project, name: In(some) }))
        found.set(row.name, row);
    return found;
  }
}

export type CredentialsByName = ReadonlyMap<string, ClientCredentials>;
export const NO_CREDENTIALS: ClientCredentials = { fingerprints: [], logins: [] };

function usernameTaken(username: string, project: string): EdgeError {
  return new EdgeError(
    'already_exists',
    `The user name "${username}" is taken by another device or client of project "${project}".`,
  );
}
