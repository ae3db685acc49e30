import { Injectable } from '@nestjs/common';
import { EdgeError } from '@selvage/protocol';
import type { Authenticator } from './caller.js';
import { type Change, ChangeNotes } from './change-notes.js';

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

/** Where the `audit` slice takes note of changes, and `projects` says which projects there are. */
@Injectable()
export class RequestHooks {
  readonly notes = new ChangeNotes();
  private recorder: (change: Change) => Promise<void> = () => Promise.resolve();
  private projectCheck: (project: string) => Promise<void> = () => Promise.resolve();

  recordChanges(recorder: (change: Change) => Promise<void>): void {
    this.recorder = recorder;
  }

  /** `check` throws `not_found` for a project that is not there. */
  checkProjects(check: (project: string) => Promise<void>): void {
    this.projectCheck = check;
  }

  /** Notes a change that nothing is written for. */
  record(change: Change): Promise<void> {
    return this.recorder(change);
  }

  projectExists(project: string): Promise<void> {
    return this.projectCheck(project);
  }
}
