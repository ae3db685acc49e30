import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { nodeKey, type NodeRef } from '@selvage/protocol';
import { Reconciler, type ReconcilerOptions, systemClock } from '@selvage/reconcile';
import { Database } from '../db/index.js';
import { type Session, Sessions } from '../link/index.js';
import { LOG, type Logger } from '../log/index.js';
import { type Compiled, Compiler } from './compiler.js';
import { Push, type SendStep } from './push.js';

interface Loop {
  readonly push: Push;
  readonly reconciler: { poke(): void; start(): void; stop(): Promise<void> };
}

/** Keeps every connected node's stored desired state equal to what the slices want: one reconcile loop for each. */
@Injectable()
export class Desired implements OnModuleInit {
  private readonly loops = new Map<string, Loop>();
  private readonly options: ReconcilerOptions<SendStep>;

  constructor(
    private readonly db: Database,
    @Inject(Sessions) private readonly sessions: Pick<Sessions, 'all' | 'find' | 'listen'>,
    @Inject(Compiler) private readonly compiler: Pick<Compiler, 'compile'>,
    @Inject(LOG) private readonly log: Logger,
  ) {
    this.options = {
      clock: systemClock,
      backoff: { baseMs: 1_000, capMs: 60_000, floorMs: 100 },
      concurrency: 1,
      observeTimeoutMs: 60_000,
      stepTimeoutMs: 60_000,
      onError: (error) => {
        log.error({ err: error }, 'the desired state of a node could not be put together');
      },
    };
  }

  onModuleInit(): void {
    this.sessions.listen({
      opened: (session) => {
        this.begin(session);
      },
      closed: (session) => {
        this.end(session);
      },
      stored: ({ ref }) => {
        const loop = this.loops.get(nodeKey(ref));
        if (loop?.push.stored() === false) loop.reconciler.poke();
      },
    });
  }

  /** Something that these nodes are to have may have changed: it is compiled again and what differs is sent. Call it after the commit. */
  poke(nodes: Iterable<NodeRef>): void {
    for (const node of nodes) {
      const loop = this.loops.get(nodeKey(node));
      loop?.push.changed();
      loop?.reconciler.poke();
    }
  }

  /** The same for every connected node of a project. */
  pokeProject(project: string): void {
    for (const { ref } of this.sessions.all) if (ref.project === project) this.poke([ref]);
  }

  /** Revision that a connected node is to have, and the one it stored; nothing is known of a node that is not connected. */
  revisions(node: NodeRef): { readonly desired?: number; readonly stored?: number } {
    const stored = this.sessions.find(node)?.stored.position?.revision;
    const desired = this.loops.get(nodeKey(node))?.push.revision;
    return { ...(desired !== undefined && { desired }), ...(stored !== undefined && { stored }) };
  }

  private begin(session: Session): void {
    const push = new Push(session, (one) => this.compile(one), systemClock);
    const reconciler = new Reconciler(push, this.options);
    this.loops.set(nodeKey(session.ref), { push, reconciler });
    reconciler.start();
  }

  private end({ ref }: Session): void {
    const loop = this.loops.get(nodeKey(ref));
    this.loops.delete(nodeKey(ref));
    void loop?.reconciler.stop();
  }

  /**
   * A node that has seen a higher revision of this very database met it before an older copy was restored: for this node, and for no
   * other, revisions go on above that one, since it takes nothing that is older than what it has.
   */
  private async compile({ ref, stored }: Session): Promise<Compiled> {
    const compiled = await this.compiler.compile(ref);
    const { position } = stored;
    if (position?.epoch !== this.db.epoch || position.revision <= compiled.position.revision) return compiled;
    this.log.warn(
      { node: nodeKey(ref), revision: position.revision },
      'a node has seen a newer revision than this database has',
    );
    return { ...compiled, position: { ...position, revision: position.revision + 1 } };
  }
}
