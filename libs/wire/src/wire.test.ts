import fc from 'fast-check';
import type { DownFrame, UpFrame } from '@selvage/protocol';
import { describe, expect, it } from 'vitest';
import { decodeDown, decodeUp, encodeFrame } from './codec.js';
import { compare, contentHash, digest, sectionValue, toSection } from './hashes.js';

describe('a frame', () => {
  const report: UpFrame = { t: 'report', section: toSection('facts', { a: 1 }) };
  const credit: DownFrame = { t: 'credit', id: 3, bytes: 70_000 };

  it('comes out as it went in', () => {
    expect(decodeUp(encodeFrame(report))).toMatchObject({
      t: 'report',
      section: { name: 'facts', hash: report.section.hash },
    });
    expect(decodeDown(encodeFrame(credit))).toEqual(credit);
  });

  it('loses the fields that this version does not know', () => {
    expect(decodeDown(encodeFrame({ ...credit, extra: 1 } as DownFrame))).toEqual(credit);
  });

  it.each([
    Buffer.alloc(0),
    Buffer.from('{}'),
    Buffer.of(0xc1),
    encodeFrame({ ...credit, bytes: -1 }),
    Buffer.alloc(100, 0x91),
  ])('is not %j: a clean error', (bytes) => {
    expect(() => decodeDown(bytes)).toThrow(expect.objectContaining({ code: 'bad_request' }));
  });

  it('has no references, by which a few bytes would stand for endless ones', () => {
    const reference = (kind: 'i' | 'p', id: number): Buffer => Buffer.of(0xd6, kind.charCodeAt(0), 0, 0, 0, id);
    let bytes = Buffer.of(0x90);
    for (let id = 0; id < 12; id += 1)
      bytes = Buffer.concat([Buffer.of(0x92), reference('i', id), bytes, reference('p', id)]);
    const reason = expect.stringContaining('disabled') as string;
    for (const end of [Buffer.of(), Buffer.of(1)])
      expect(() => decodeUp(Buffer.concat([bytes, end]))).toThrow(
        expect.objectContaining({ code: 'bad_request', cause: expect.objectContaining({ message: reason }) as Error }),
      );
  });

  it('of random bytes never crashes the reader', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(() => decodeUp(bytes)).toThrow(expect.objectContaining({ code: 'bad_request' }));
      }),
    );
  });

  it('keeps every value of a section', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const section = toSection('x', value);
        const sent = decodeUp(encodeFrame({ t: 'report', section }));
        expect(sent.t === 'report' && sectionValue(sent.section.body)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});

describe('a section hash', () => {
  it('does not depend on the order of keys', () => {
    expect(toSection('x', { a: 1, b: { c: 2, d: 3 } }).hash).toBe(toSection('x', { b: { d: 3, c: 2 }, a: 1 }).hash);
    expect(toSection('x', [1, 2]).hash).not.toBe(toSection('x', [2, 1]).hash);
    expect(contentHash(toSection('x', { a: 1 }).body)).toBe(toSection('x', { a: 1 }).hash);
  });

  it('goes into a digest that does not depend on the order of sections', () => {
    expect(digest({ a: '1', b: '2' })).toBe(digest({ b: '2', a: '1' }));
    expect(digest({ a: '1' })).not.toBe(digest({ a: '2' }));
  });

  it('tells what differs and what is gone', () => {
    expect(compare({ a: '1', b: '2', c: '3' }, { a: '1', b: 'x', d: '4' })).toEqual({
      differ: ['b', 'c'],
      gone: ['d'],
    });
  });
});
