import { EdgeError } from '@selvage/protocol';

/** What is done to many at once. */
export interface Batchwork<T> {
  /** Writes all of them or none. */
  write(batch: readonly T[]): Promise<void>;
  /** What is to become of one that cannot be written, even alone. */
  alone(item: T, thrown: unknown): Promise<void> | void;
}

/**
 * Writes a batch, so that one of it which cannot be written costs nobody else: it is found by halves, in their order.
 * @throws what `write` threw when it is nobody's fault: see `isAway`.
 */
export async function byHalves<T>(batch: readonly T[], work: Batchwork<T>): Promise<void> {
  const half = Math.ceil(batch.length / 2);
  const [only] = batch;
  try {
    await work.write(batch);
  } catch (thrown) {
    if (isAway(thrown)) throw thrown;
    if (half < batch.length) for (const some of [batch.slice(0, half), batch.slice(half)]) await byHalves(some, work);
    else if (only !== undefined) await work.alone(only, thrown);
  }
}

/** Whether it is not the fault of what was to be written. */
export function isAway(thrown: unknown): boolean {
  return thrown instanceof EdgeError && (thrown.code === 'database_unavailable' || thrown.code === 'overloaded');
}
