/** `describe` says what was waited for, when it did not come; it may look once more to tell what is there instead. */
export interface UntilOptions {
  readonly timeoutMs?: number;
  readonly everyMs?: number;
  readonly describe?: () => string | Promise<string>;
}

/** Waits in real time until a condition holds. A condition that throws ends the wait with its error. */
export async function until(condition: () => boolean | Promise<boolean>, options: UntilOptions = {}): Promise<void> {
  const { timeoutMs = 30_000, everyMs = 20, describe = () => 'the condition' } = options;
  const end = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`waited ${timeoutMs} ms for ${await describe()}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
