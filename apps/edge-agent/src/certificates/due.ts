import { renewAt, type Validity } from '@selvage/pki';
import type { Step } from '@selvage/reconcile';

const MINUTE = 60_000;
/** The hub dates certificates back by this much, for clocks that are slow. */
const BACKDATED = 5 * MINUTE;

/** A certificate as it is judged: times in epoch milliseconds, serial in hexadecimal. */
export interface Current extends Validity {
  readonly serial: string;
}

/**
 * When a certificate is to be renewed: at two thirds of its life, a tenth of it earlier or later. How much is drawn from its serial, so
 * that nodes that joined together do not renew together, and a restart does not draw again.
 */
export function dueAt(current: Current): number {
  const chance = Number.parseInt(current.serial.slice(-8), 16) / 2 ** 32;
  return renewAt({ ...current, notBefore: begin(current) }, Number.isNaN(chance) ? 0.5 : chance);
}

/** The one step, when it is due. Its key is always the same: renewals that come to nothing wait longer each time. */
export function plan(current: Current, now: number): readonly Step[] {
  return now < dueAt(current) ? [] : [{ key: 'renew', subject: 'certificate' }];
}

/**
 * How long failing renewals wait: from 30 s to an hour, for a certificate that lasts only minutes in proportion. A node that is told
 * that its certificate is of no use asks again every five minutes, for an operator may change that.
 */
export function waits(current: Current, refused: boolean): { baseMs: number; capMs: number; floorMs: number } {
  const life = current.notAfter - begin(current);
  const capMs = Math.min(refused ? 5 * MINUTE : 60 * MINUTE, Math.max(life / 10, 1000));
  const baseMs = Math.min(MINUTE / 2, capMs);
  return { baseMs, capMs, floorMs: baseMs / 10 };
}

/**
 * The time to judge by. A wall clock that is behind a time which was seen before is wrong, or set right after it was ahead; then the
 * later one counts until the next renewal.
 */
export function goodTime(wall: number, seen: number): number {
  return Math.max(wall, seen);
}

/** Whether a wall clock is worth remembering as a time that was seen. */
export function isNews(wall: number, seen: number): boolean {
  return wall > seen + 60 * MINUTE;
}

function begin({ notBefore, notAfter }: Validity): number {
  return Math.min(notBefore + BACKDATED, notAfter);
}
