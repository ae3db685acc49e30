import { describe, expect, it } from 'vitest';
import { Arrivals, type Arriving, peerOf } from './arrivals.js';

class Peer implements Arriving {
  static next = 1;
  readonly remotePort = Peer.next++;
  isGone = false;

  constructor(readonly remoteAddress = '10.0.0.1') {}

  destroy(): void {
    this.isGone = true;
  }
}

const LIMITS = { most: 4, patienceMs: 5_000 };
const peers = (count: number, address?: string): Peer[] => Array.from({ length: count }, () => new Peer(address));
const gone = (all: readonly Peer[]): boolean[] => all.map(({ isGone }) => isGone);

describe('connections on their way in', () => {
  it('that say nothing make room, the oldest first', () => {
    const arrivals = new Arrivals(LIMITS);
    const silent = peers(4);
    for (const peer of silent) expect(arrivals.enter(peer, 0)).toBe(true);
    expect([arrivals.enter(new Peer(), 1), arrivals.enter(new Peer(), 2)]).toEqual([true, true]);
    expect(gone(silent)).toEqual([true, true, false, false]);
    expect(arrivals.count).toBe(4);
  });

  it('of a fleet behind one address keep their places while they are being served', () => {
    const arrivals = new Arrivals(LIMITS);
    const fleet = peers(4);
    for (const peer of fleet) {
      arrivals.enter(peer, 0);
      arrivals.spoke(peer, 0);
    }
    expect(arrivals.enter(new Peer(), 5_000)).toBe(false);
    expect(gone(fleet)).toEqual([false, false, false, false]);
  });

  it('that need very long make room', () => {
    const arrivals = new Arrivals(LIMITS);
    const late = peers(4);
    for (const peer of late) arrivals.enterBusy(peer, 0);
    expect(arrivals.enter(new Peer(), 5_001)).toBe(true);
    expect(gone(late)).toEqual([true, false, false, false]);
  });

  it('of an address that has half of all places make room for another address', () => {
    const arrivals = new Arrivals(LIMITS);
    const [others, crowd] = [peers(2, '10.0.0.1').concat(new Peer('10.0.0.2')), peers(1, '10.0.0.3')];
    for (const peer of [...crowd, ...others]) arrivals.enterBusy(peer, 0);
    expect(arrivals.enter(new Peer('10.0.0.4'), 1)).toBe(true);
    expect([gone(crowd), gone(others)]).toEqual([[false], [true, false, false]]);
  });

  it('give their places back', () => {
    const arrivals = new Arrivals(LIMITS);
    const all = peers(4);
    for (const peer of all) arrivals.enter(peer, 0);
    for (const peer of all) arrivals.leave(peerOf(peer));
    expect(arrivals.count).toBe(0);
    expect(arrivals.enter({ destroy: () => undefined }, 0)).toBe(false);
  });
});
