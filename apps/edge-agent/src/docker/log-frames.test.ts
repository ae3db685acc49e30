import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogPiece } from './docker.js';
import { logPieces } from './log-frames.js';

const at = '2026-11-24T10:56:13.123456789Z';

describe('a log', () => {
  it('comes apart into records with their moments and streams, however it was cut in transit', async () => {
    const record = fc.record({ stream: fc.constantFrom(1, 2), text: fc.string({ maxLength: 200 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(record), fc.array(fc.integer({ min: 1, max: 50 })), async (records, cuts) => {
        const whole = Buffer.concat(records.map(({ stream, text }) => frame(stream, `${at} ${text}`)));
        const found = await join(logPieces(chunks(whole, cuts)));
        expect(found).toEqual(
          records.map(({ stream, text }) => ({ stream: stream === 2 ? 'stderr' : 'stdout', at, text })),
        );
      }),
    );
  });

  it('passes a long record on as it comes', async () => {
    const pieces = [];
    const long = frame(1, `${at} ${'x'.repeat(100_000)}`);
    for await (const piece of logPieces(
      chunks(
        long,
        Array.from({ length: 20 }, () => 1000),
      ),
    ))
      pieces.push(piece);
    expect(pieces.length).toBeGreaterThan(20);
  });

  it('without moments is given as it is', async () => {
    const text = 'y'.repeat(100);
    expect(await join(logPieces(chunks(frame(2, text), [])))).toEqual([{ stream: 'stderr', at: '', text }]);
  });
});

function frame(stream: number, text: string): Buffer {
  const payload = Buffer.from(text);
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
}

function chunks(whole: Buffer, cuts: readonly number[]): AsyncIterable<Buffer> {
  const ends = cuts.map((_, index) => cuts.slice(0, index + 1).reduce((sum, length) => sum + length, 0));
  return Readable.from([0, ...ends].map((from, index) => whole.subarray(from, ends[index])));
}

async function join(
  pieces: AsyncIterable<readonly LogPiece[]>,
): Promise<{ stream: string; at: string; text: string }[]> {
  const records: { stream: string; at: string; text: string }[] = [];
  for await (const some of pieces)
    for (const { stream, at: moment, bytes } of some) {
      const text = Buffer.from(bytes).toString();
      const last = records.at(-1);
      if (moment === undefined && last) last.text += text;
      else records.push({ stream, at: moment ?? '', text });
    }
  return records;
}
