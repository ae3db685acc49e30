/** A signal of its own that others end as well. */
export interface Linked {
  readonly signal: AbortSignal;
  /** Aborts it, and lets go of the others. */
  readonly end: () => void;
}

/** Aborted with the first of the given signals. (`AbortSignal.any` of Node 20 may be collected before its time.) */
export function linked(signals: readonly AbortSignal[]): Linked {
  const controller = new AbortController();
  const end = (): void => {
    for (const signal of signals) signal.removeEventListener('abort', end);
    controller.abort();
  };
  for (const signal of signals) signal.addEventListener('abort', end);
  if (signals.some(({ aborted }) => aborted)) end();
  return { signal: controller.signal, end };
}
