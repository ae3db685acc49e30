import { EdgeError, type SectionHashes } from '@selvage/protocol';
import { type Clock, type Noun, pause, type Step } from '@selvage/reconcile';
import { compare } from '@selvage/wire';
import type { Session } from '../link/index.js';
import type { Compiled } from './compiler.js';

/** After something was compiled, the next time waits for so many times as long as it took: changes in a row cost a share of the hub. */
const REST = 2;
const MAX_REST_MS = 2_000;

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
  /** What was compiled last, its bytes left out; undefined when it may have changed since. */
  private known: Pick<Compiled, 'position' | 'hashes'> | undefined;
  private changes = 0;
  /** When the next one may be compiled, on the clock that never jumps. */
  private restedAt = 0;

  constructor(
    private readonly session: Session,
    private readonly compile: (session: Session) => Promise<Compiled>,
    private readonly clock: Pick<Clock, 'monotonic' | 'timer'>,
  ) {}

  /** Compiles nothing for a node that has just confirmed what was compiled last. */
  desired(signal: AbortSignal): Promise<Compiled> | Compiled {
    const { known } = this;
    if (known === undefined || plan({ ...known, sections: [] }, this.session.stored.hashes).length > 0)
      return this.compileAnew(signal);
    return { ...known, sections: [] };
  }

  /** What this node is to have may have changed. */
  changed(): void {
    this.changes += 1;
    this.known = undefined;
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
        if (this.confirmed === resolve) this.confirmed = undefined;
        reject(new EdgeError('deadline_exceeded', 'The node did not confirm its desired state.'));
      });
      this.confirmed = resolve;
      this.session.send({ t: 'desired', position: compiled.position, sections, gone: [...gone] });
    });
  }

  report(): void {
    // The state that was reached is the session's; whoever asks reads it there.
  }

  private async compileAnew(signal: AbortSignal): Promise<Compiled> {
    const { clock } = this;
    const rest = this.restedAt - clock.monotonic();
    if (rest > 0) await pause(rest, clock, signal);
    signal.throwIfAborted();
    const { changes } = this;
    const began = clock.monotonic();
    const compiled = await this.compile(this.session);
    const ended = clock.monotonic();
    this.restedAt = ended + Math.min(REST * (ended - began), MAX_REST_MS);
    const { position, hashes } = compiled;
    if (changes === this.changes) this.known = { position, hashes };
    return compiled;
  }

  /** The node confirmed something. Gives whether a step waited for that: its end is followed by a pass anyway. */
  stored(): boolean {
    const { confirmed } = this;
    this.confirmed = undefined;
    confirmed?.();
    return confirmed !== undefined;
  }
}
