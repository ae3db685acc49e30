import { type Logger, pino } from 'pino';

/** Structured lines on standard output. What could be secret is cut out wherever it might slip in. */
export function createLog(level: string): Logger {
  const redact = { paths: ['*.password', '*.token', '*.key', '*.authorization', '*.credentials'], censor: '[secret]' };
  return pino({ level, base: null, redact, timestamp: pino.stdTimeFunctions.isoTime });
}
