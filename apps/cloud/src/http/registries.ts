import { Injectable } from '@nestjs/common';
import { EdgeError } from '@selvage/protocol';
import type { Authenticator } from './caller.js';

/** Where the `users` slice says how callers are known. */
@Injectable()
export class AuthRegistry {
  private authenticator: Authenticator | undefined;

  set(authenticator: Authenticator): void {
    this.authenticator = authenticator;
  }

  get(): Authenticator {
    if (this.authenticator === undefined) throw new EdgeError('internal', 'nobody knows how to authenticate');
    return this.authenticator;
  }
}

/** A finished request that was to change something. */
export interface Change {
  readonly actor: string;
  /** Method and path template, `PUT /api/v1/projects/{project}/apps/{name}`. */
  readonly action: string;
  /** Path as asked. */
  readonly target: string;
  readonly project?: string;
  /** `ok`, or the code of the error. */
  readonly outcome: string;
  readonly requestId: string;
}

/** Where the `audit` slice takes note of changes, and `projects` says which projects there are. */
@Injectable()
export class RequestHooks {
  private recorder: (change: Change) => Promise<void> = () => Promise.resolve();
  private projectCheck: (project: string) => Promise<void> = () => Promise.resolve();

  recordChanges(recorder: (change: Change) => Promise<void>): void {
    this.recorder = recorder;
  }

  /** `check` throws `not_found` for a project that is not there. */
  checkProjects(check: (project: string) => Promise<void>): void {
    this.projectCheck = check;
  }

  record(change: Change): Promise<void> {
    return this.recorder(change);
  }

  projectExists(project: string): Promise<void> {
    return this.projectCheck(project);
  }
}
