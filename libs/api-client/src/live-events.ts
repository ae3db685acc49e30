import { EdgeError } from '@selvage/protocol';
import { jsonOf } from './failures.js';

/** "Something about this object changed: read it again." */
export interface LiveEvent {
  readonly noun: string;
  readonly name: string;
  readonly project?: string;
}

const MAX_EVENT = 64 * 1024;

/** The changes among what an event stream says; whatever else it says is passed over. */
export async function* changesIn(values: AsyncIterable<unknown>): AsyncGenerator<LiveEvent> {
  for await (const value of values) yield* changeIn(value);
}

/** The data of server-sent events, read as JSON; what is no JSON is passed over. */
export async function* eventValues(chunks: AsyncIterable<Uint8Array>): AsyncGenerator {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    const blocks = (rest + decoder.decode(chunk, { stream: true })).replaceAll('\r\n', '\n').split('\n\n');
    rest = blocks.pop() ?? '';
    if (rest.length > MAX_EVENT) throw new EdgeError('internal', 'The hub sent an event that does not end.');
    for (const block of blocks) yield* valueOf(block);
  }
}

function* valueOf(block: string): Generator {
  const lines = block.split('\n').filter((line) => line.startsWith('data:'));
  if (lines.length === 0) return;
  const value = jsonOf(lines.map((line) => line.slice('data:'.length)).join('\n'));
  if (value !== undefined) yield value;
}

function* changeIn(value: unknown): Generator<LiveEvent> {
  if (typeof value !== 'object' || value === null || !('noun' in value) || !('name' in value)) return;
  const { noun, name } = value;
  const project: unknown = 'project' in value ? value.project : undefined;
  if (typeof noun !== 'string' || typeof name !== 'string') return;
  yield typeof project === 'string' ? { noun, name, project } : { noun, name };
}
