/** A signal of its own that others end as well. */
export interface Linked {
  readonly signal: AbortSignal;
  /** Aborts it, unless it is already, and lets go of the others. To be called in any case. */
  readonly end: (reason?: unknown) => void;
}

/** Aborted with the first of the given signals, for its reason. (`AbortSignal.any` of Node 20 keeps memory of every call for ever.) */
export function linked(signals: readonly AbortSignal[]): Linked {
  const controller = new AbortController();
  const end = (reason?: unknown): void => {
    for (const signal of signals) signal.removeEventListener('abort', follow);
    controller.abort(reason);
  };
  const follow = (): void => {
    end(signals.find(({ aborted }) => aborted)?.reason);
  };
  for (const signal of signals) signal.addEventListener('abort', follow);
  if (signals.some(({ aborted }) => aborted)) follow();
  return { signal: controller.signal, end };
}
