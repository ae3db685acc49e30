import { EdgeError } from '@selvage/protocol';

const MAX_LINE = 1024 * 1024;

/**
 * The values of a stream of JSON texts, one a line. Holds at most one line.
 * @throws EdgeError `docker_error` on a line over 1 MiB or one that is not JSON.
 */
export async function* jsonLines(source: AsyncIterable<Buffer>): AsyncGenerator {
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of source) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_LINE) throw new EdgeError('docker_error', 'The engine sent a line that is too long.');
    for (const line of lines) if (line.trim() !== '') yield parse(line);
  }
  if (rest.trim() !== '') yield parse(rest);
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new EdgeError('docker_error', 'The engine sent a line that is not JSON.', { cause });
  }
}
