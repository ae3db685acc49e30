/** Free messages to the device: which filters are wanted, and who gets what. */
import { EdgeError, MAX_TOPIC, parseTopic } from '@selvage/protocol';
import type { Stop } from './events.js';

/** A message on a topic of the project. */
export interface Command {
  readonly topic: string;
  /** What follows `{project}/nodes/{node}/user/`. */
  readonly path: string;
  readonly payload: Uint8Array;
  text(): string;
  /** Throws `bad_request` when the payload is no JSON. */
  json(): unknown;
}
/** What it gives is waited for; a failure is an `error` of the device. */
export type CommandHandler = (command: Command) => unknown;

/** What commands need of their device. */
export interface CommandPorts {
  readonly subscribe: (filter: string) => void;
  readonly unsubscribe: (filter: string) => void;
  readonly failed: (error: EdgeError) => void;
}

export class Commands {
  readonly #handlers = new Map<string, Set<CommandHandler>>();

  constructor(private readonly ports: CommandPorts) {}

  /** Calls the handler for every message that the filter names. */
  on(filter: string, handler: CommandHandler): Stop {
    const handlers = this.#handlers.get(filter) ?? new Set();
    const own: CommandHandler = (command) => handler(command);
    if (handlers.size === 0) {
      this.#handlers.set(filter, handlers);
      this.ports.subscribe(filter);
    }
    handlers.add(own);
    return () => {
      if (!handlers.delete(own) || handlers.size > 0) return;
      this.#handlers.delete(filter);
      this.ports.unsubscribe(filter);
    };
  }

  /** Hands a message to all whose filter names its topic. */
  take(topic: string, payload: Uint8Array): void {
    const parsed = parseTopic(topic);
    if (parsed?.kind !== 'user') return;
    const command = commandOf(topic, parsed.path, payload);
    for (const [filter, handlers] of this.#handlers) {
      if (!matches(filter, topic)) continue;
      for (const handler of handlers) void this.#run(handler, command);
    }
  }

  async #run(handler: CommandHandler, command: Command): Promise<void> {
    try {
      await handler(command);
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      this.ports.failed(
        new EdgeError('internal', `The handler of ${command.topic} failed: ${words}`, { cause: error }),
      );
    }
  }
}

/** Whether a text may be the path of a message, or with `+` and `#` the filter of a subscription. Throws `bad_request`. */
export function checkPath(path: string, use: 'topic' | 'filter'): void {
  const levels = path.split('/');
  const isBad = (level: string, index: number): boolean => {
    if (level === '' || level.includes('\0')) return true;
    if (!/[+#]/.test(level)) return false;
    return use === 'topic' || (level !== '+' && (level !== '#' || index < levels.length - 1));
  };
  if (path.length <= MAX_TOPIC / 2 && !levels.some(isBad)) return;
  const wildcards = use === 'topic' ? 'no + or #' : '+ for one level and # at the end';
  throw new EdgeError('bad_request', `${path}: a path has levels between slashes, none empty, with ${wildcards}.`);
}

/** Whether a filter names a topic, level by level. */
export function matches(filter: string, topic: string): boolean {
  const [wanted, levels] = [filter.split('/'), topic.split('/')];
  for (const [index, level] of wanted.entries()) {
    if (level === '#') return true;
    if (level !== '+' && level !== levels[index]) return false;
    // `a/#` names `a` too.
    if (index >= levels.length) return false;
  }
  return wanted.length === levels.length;
}

function commandOf(topic: string, path: string, payload: Uint8Array): Command {
  const text = (): string => new TextDecoder().decode(payload);
  return {
    topic,
    path,
    payload,
    text,
    json: () => {
      try {
        const value: unknown = JSON.parse(text());
        return value;
      } catch (error) {
        throw new EdgeError('bad_request', `${topic}: the payload is no JSON.`, { cause: error });
      }
    },
  };
}
