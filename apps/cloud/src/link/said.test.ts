import { reportedApps } from '@selvage/protocol';
import { describe, expect, it } from 'vitest';
import { said, saidIn } from './said.js';

describe('what a node said', () => {
  it('is read no further than to the first thing that is wrong', () => {
    let looks = 0;
    const purged = Array.from({ length: 1_000 }, () => 0);
    for (const at of purged.keys()) Object.defineProperty(purged, at, { get: () => ((looks += 1), 'a\0') });
    expect(() => said(reportedApps, { instances: [], purged })).toThrow('purged.0: has a NUL character');
    expect(looks).toBe(1);
  });

  it('is refused in a few words', () => {
    const wrong = { code: 'bad_request' };
    expect(() => saidIn(reportedApps, Buffer.from('[1,'))).toThrow(expect.objectContaining(wrong));
    const many = { instances: Array.from({ length: 4_000 }, () => ({})), purged: [] };
    const detail = expect.stringMatching(/^instances\.0\.app: .{1,100}$/) as string;
    expect(() => said(reportedApps, many)).toThrow(expect.objectContaining({ ...wrong, detail }));
  });
});
