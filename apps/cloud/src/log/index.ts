import type { LoggerService } from '@nestjs/common';
import { type Logger, pino } from 'pino';

export type { Logger } from 'pino';

/** Under this token the hub's logger is injected. */
export const LOG = Symbol('log');

/** Structured lines on standard output. What could be secret is cut out wherever it might slip in. */
export function createLog(level: string): Logger {
  const redact = {
    paths: ['*.password', '*.token', '*.authorization', 'req.headers.authorization'],
    censor: '[secret]',
  };
  return pino({ level, base: null, redact, timestamp: pino.stdTimeFunctions.isoTime });
}

/** Nest's own messages, as lines of the same log; its chatter at start-up becomes `debug`. */
export class NestLog implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log(message: unknown, ...rest: unknown[]): void {
    this.say('debug', message, rest);
  }
  debug(message: unknown, ...rest: unknown[]): void {
    this.say('debug', message, rest);
  }
  warn(message: unknown, ...rest: unknown[]): void {
    this.say('warn', message, rest);
  }
  error(message: unknown, ...rest: unknown[]): void {
    this.say('error', message, rest);
  }

  private say(level: 'debug' | 'warn' | 'error', message: unknown, rest: readonly unknown[]): void {
    const context = rest.at(-1);
    if (message instanceof Error) this.logger[level]({ err: message, context }, message.message);
    else this.logger[level]({ context }, String(message));
  }
}
