import { EdgeError, type SectionHashes } from '@selvage/protocol';
import type { Noun, Step } from '@selvage/reconcile';
import { compare } from '@selvage/wire';
import type { Session } from '../link/index.js';
import type { Compiled } from './compiler.js';

/** Sends what differs. */
export interface SendStep extends Step {
  readonly compiled: Compiled;
  readonly differ: readonly string[];
  readonly gone: readonly string[];
}

/** Pure. What to send so that a node has what is wanted: nothing when it has. */
export function plan(wanted: Compiled, there: SectionHashes): SendStep[] {
  const { differ, gone } = compare(wanted.hashes, there);
  if (differ.length === 0 && gone.length === 0) return [];
  const versions = differ.map((name) => `${name}=${wanted.hashes[name] ?? ''}`);
  return [{ key: `send ${[...versions, ...gone].join(' ')}`, subject: 'link', compiled: wanted, differ, gone }];
}

/** The desired state of one connected node, as a noun of the reconcile loop: observed is what the node confirmed last. */
export class Push implements Noun<Compiled, SectionHashes, SendStep> {
  readonly name = 'push';
  /** Revision that the node is to have; absent until something was compiled. */
  revision: number | undefined;
  private confirmed: (() => void) | undefined;

  constructor(
    private readonly session: Session,
    private readonly compile: (session: Session) => Promise<Compiled>,
  ) {}

  desired(): Promise<Compiled> {
    return this.compile(this.session);
  }

  observe(): SectionHashes {
    return this.session.stored.hashes;
  }

  plan(wanted: Compiled, there: SectionHashes): SendStep[] {
    const steps = plan(wanted, there);
    this.revision = steps.length > 0 ? wanted.position.revision : this.session.stored.position?.revision;
    return steps;
  }

  /** Resolves when the node has it on its disk. */
  async apply({ compiled, differ, gone }: SendStep, signal: AbortSignal): Promise<void> {
    const sections = compiled.sections.filter(({ name }) => differ.includes(name));
    await new Promise<void>((resolve, reject) => {
      signal.addEventListener('abort', () => {
        reject(new EdgeError('deadline_exceeded', 'The node did not confirm its desired state.'));
      });
      this.confirmed = resolve;
      this.session.send({ t: 'desired', position: compiled.position, sections, gone: [...gone] });
    });
  }

  report(): void {
    // The state that was reached is the session's; whoever asks reads it there.
  }

  /** The node confirmed something. */
  stored(): void {
    this.confirmed?.();
  }
}
