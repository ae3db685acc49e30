import { Away, type Outcome } from '@selvage/outbox';
import { EdgeError } from '@selvage/protocol';

/** What a person should read of an error. */
export function wordsOf(error: unknown): string {
  if (error instanceof EdgeError) return error.detail;
  if (!(error instanceof Error)) return String(error);
  if (error.message !== '') return error.message;
  // Node leaves the words to each address that it tried.
  if (error instanceof AggregateError) return [...new Set(error.errors.map(wordsOf))].join('; ');
  return 'code' in error ? String(error.code) : error.name;
}

/** Whatever went wrong, as the absence of the other side. */
export function asAway(error: unknown, who?: string): Away {
  if (error instanceof Away) return error;
  const words = wordsOf(error);
  return new Away(who === undefined ? words : `${who}: ${words}`, { cause: error });
}

/** The same for whoever tests an endpoint. */
export function asFailed(error: unknown, who: string): EdgeError {
  if (error instanceof EdgeError) return error;
  return new EdgeError('endpoint_failed', error instanceof Away ? error.message : `${who}: ${wordsOf(error)}`, {
    cause: error,
  });
}

/** A message that will not be taken, ever. */
export function rejected(detail: string): Outcome {
  return { is: 'rejected', code: 'endpoint_failed', detail };
}

/** A message that was not taken this time, though others were or might be. */
export function failed(detail: string): Outcome {
  return { is: 'failed', code: 'endpoint_failed', detail };
}
