import { describe, expect, it } from 'vitest';
import { Complaints } from './complaints.js';

describe('complaints about nodes', () => {
  it('are made once a minute for each, with the number of those left out', () => {
    const complaints = new Complaints();
    expect([complaints.about('a', 0), complaints.about('b', 1)]).toEqual([0, 0]);
    expect([complaints.about('a', 2), complaints.about('a', 59_999)]).toEqual([undefined, undefined]);
    expect([complaints.about('a', 60_000), complaints.about('a', 120_000)]).toEqual([2, 0]);
  });

  it('of any number of nodes take a bounded room', () => {
    const complaints = new Complaints();
    for (let node = 0; node < 10_001; node += 1) complaints.about(`n-${node}`, 0);
    expect(complaints.about('n-10000', 1)).toBeUndefined();
    expect(complaints.about('n-0', 1)).toBe(0);
  });
});
