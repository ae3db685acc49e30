import { parseArgs } from 'node:util';
import { VERSION } from '@selvage/protocol';

/** The hub was started with arguments that it does not know. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const HELP = `selvage-hub [--help] [--version]

Runs the hub until it is told to stop. It takes its settings from the environment:
  SELVAGE_DATA          folder for everything that it keeps (default .selvage)
  SELVAGE_HTTP_PORT     API and console (default 8080)
  SELVAGE_LINK_PORT     nodes (default 8443)
  SELVAGE_DATABASE_URL  postgres://user:password@host/database instead of SQLite
docs/configuration.md has them all.`;

/** What to print instead of running; undefined: run. @throws UsageError. */
export function answerTo(args: readonly string[]): string | undefined {
  const options = { help: { type: 'boolean', short: 'h' }, version: { type: 'boolean' } } as const;
  try {
    const { values } = parseArgs({ args: [...args], options, strict: true });
    if (values.help === true) return HELP;
    return values.version === true ? VERSION : undefined;
  } catch (cause) {
    throw new UsageError(`${cause instanceof Error ? cause.message : String(cause)}\n\n${HELP}`, { cause });
  }
}
