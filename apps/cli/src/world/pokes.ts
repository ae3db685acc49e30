import type { LiveEvent } from '@selvage/api-client';
import { endpoints, toEdgeError } from '@selvage/protocol';
import { linked } from '@selvage/reconcile';
import type { Session } from './session.js';
import type { World } from './world.js';

const RESYNC_MS = 5000;
/** Changes that come within this time are told as one. */
const GATHER_MS = 200;

interface Interest {
  /** Noun of the live feed. */
  readonly noun: string;
  readonly signal: AbortSignal;
  /** Looks again. Gives false when it has seen enough. */
  readonly look: () => Promise<boolean>;
}

/**
 * Looks whenever the hub's live feed names the noun, and every five seconds all the same, so that a change that came while
 * nobody was connected is not missed. Ends when the signal is aborted or enough was seen.
 */
export async function whenPoked(world: World, session: Session, { noun, signal, look }: Interest): Promise<void> {
  const stop = linked([signal]);
  const bell = new Bell();
  const listening = listen({ world, session, noun, signal: stop.signal, bell });
  try {
    do await bell.rings(world, { ms: RESYNC_MS, signal: stop.signal });
    while (!isOver(signal) && (await look()));
  } finally {
    stop.end();
    await listening;
  }
}

/** A function, because the compiler takes what it saw of a signal to last over an `await`. */
export function isOver(signal: AbortSignal): boolean {
  return signal.aborted;
}

class Bell {
  #ring = new AbortController();

  ring(): void {
    this.#ring.abort();
  }

  /** Resolves when it was rung since the last time, or after a time. */
  async rings(world: World, { ms, signal }: { ms: number; signal: AbortSignal }): Promise<void> {
    const either = linked([this.#ring.signal, signal]);
    await world.wait(ms, either.signal);
    either.end();
    if (this.#ring.signal.aborted) await world.wait(GATHER_MS, signal);
    this.#ring = new AbortController();
  }
}

interface Listening {
  readonly world: World;
  readonly session: Session;
  readonly noun: string;
  readonly signal: AbortSignal;
  readonly bell: Bell;
}

/** Rings for each event. A feed that breaks is opened again; whoever looks again will meet the trouble itself and tell. */
async function listen({ world, session, noun, signal, bell }: Listening): Promise<void> {
  const onOpen = (): void => {
    bell.ring();
  };
  const input = { ...queryOf(session, noun), signal, onOpen };
  while (!isOver(signal)) {
    try {
      for await (const event of session.client.events(endpoints.live.events, input))
        if (concerns(event, noun)) bell.ring();
    } catch (thrown) {
      if (toEdgeError(thrown).code === 'call_cancelled') return;
    }
    await world.wait(RESYNC_MS, signal);
  }
}

/** Projects belong to no project: of those the feed tells only whoever asks for everything. */
function queryOf({ project }: Session, noun: string) {
  return noun === 'project' ? {} : { query: { project } };
}

function concerns(event: LiveEvent, noun: string): boolean {
  return event.noun === noun || event.noun === `${noun}s`;
}
