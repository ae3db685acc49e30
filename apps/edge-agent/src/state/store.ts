import { join } from 'node:path';
import type { Clock } from '@selvage/reconcile';
import type { Logger } from 'pino';
import type { Database } from './database.js';
import { DesiredStore } from './desired-store.js';
import { Entries } from './entries.js';
import { FolderLock } from './folder-lock.js';
import { migrate } from './migrations.js';
import { openOrReplace } from './open-or-replace.js';
import { isPin, PinStore } from './pin-store.js';

const OWNER = 'store.owner';

export interface StoreOptions {
  readonly folder: string;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Pick<Logger, 'warn' | 'error'>;
}

/** The agent's database, `agent.db` in its data folder, which no other agent may use at the same time. */
export class Store {
  readonly desired: DesiredStore;
  readonly pins: PinStore;
  /** Small values by key. */
  readonly meta: Entries;
  readonly #pins: Entries;
  readonly #lock: FolderLock;
  #database: Database | undefined;

  constructor(private readonly options: StoreOptions) {
    const database = (): Database => this.#opened();
    const { log } = options;
    this.desired = new DesiredStore(database, log);
    this.#pins = new Entries({ database, kind: 'pin', isSound: isPin, log });
    this.pins = new PinStore(this.#pins);
    this.meta = new Entries({ database, kind: 'meta', isSound: () => true, log });
    this.#lock = new FolderLock(options.folder);
  }

  /** @throws EdgeError `data_folder_in_use`, `config_invalid` when the folder is of no use, `out_of_disk`, `database_unavailable`. */
  async start(): Promise<void> {
    const { folder, clock, log } = this.options;
    await this.#lock.take();
    this.#database = await openOrReplace({ path: join(folder, 'agent.db'), prepare: migrate, now: clock.now(), log });
    for (const part of [this.desired, this.#pins, this.meta]) await part.load();
  }

  /** Waits for the writes that are under way. */
  async stop(): Promise<void> {
    await this.#database?.close();
    this.#database = undefined;
    await this.#lock.release();
  }

  /** Says whose state this is. What was stored for another node, or by another hub, is forgotten. */
  async claim(owner: string): Promise<void> {
    const before = this.meta.get(OWNER);
    if (before === owner) return;
    if (before !== undefined) {
      this.options.log.warn({ before, owner }, 'the node is another now: forgot its old desired state');
      for (const part of [this.desired, this.#pins, this.meta]) await part.clear();
    }
    await this.meta.set(OWNER, owner);
  }

  #opened(): Database {
    if (this.#database === undefined) throw new Error('the store is not open');
    return this.#database;
  }
}
