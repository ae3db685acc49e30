import type { EventType } from '@selvage/protocol';

/** Something that has happened on the hub, or on a node as it reported. */
export interface Happening {
  readonly type: Exclude<EventType, `${string}.*`>;
  readonly project: string;
  /** Of the node, app or device. */
  readonly name: string;
  /** Node that it concerns. */
  readonly node?: string | undefined;
  readonly data: Readonly<Record<string, unknown>>;
}

type Listener = (happening: Happening) => void;

/** What happens, told once to whoever makes events of it. */
export class Happenings {
  private readonly listeners = new Set<Listener>();

  /** Call it after the change is committed. */
  tell(happening: Happening): void {
    for (const listener of this.listeners) listener(happening);
  }

  listen(listener: Listener): void {
    this.listeners.add(listener);
  }

  /** The hub stops: that links to nodes end now says nothing about nodes. */
  stop(): void {
    this.listeners.clear();
  }
}
