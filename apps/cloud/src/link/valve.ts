import { systemClock } from '@selvage/reconcile';
import type { Flow } from './messages-intake.js';

const MIB = 1024 * 1024;
/** What a link may cost at once, and each second. A node that has much to report when it comes stays below the first. */
const AT_ONCE = 16 * MIB;
const EACH_SECOND = 4 * MIB;

/** Decides whether a link is read: not while there is no room for its messages, and not while it costs more than its share. */
export class Valve implements Flow {
  private isFull = false;
  private isShut = false;
  private spent = 0;
  private at = 0;
  private rest: NodeJS.Timeout | undefined;

  constructor(private readonly link: Flow) {}

  /** There is no room for what it sends. */
  pause(): void {
    this.isFull = true;
    this.turn();
  }

  resume(): void {
    this.isFull = false;
    this.turn();
  }

  /** What came has cost as much as taking so many bytes does. */
  cost(bytes: number): void {
    const now = systemClock.monotonic();
    this.spent = Math.max(0, this.spent - ((now - this.at) / 1_000) * EACH_SECOND) + bytes;
    this.at = now;
    if (this.spent > AT_ONCE && this.rest === undefined) this.beginRest(this.spent - AT_ONCE);
    this.turn();
  }

  private beginRest(bytes: number): void {
    const over = (): void => {
      this.rest = undefined;
      this.cost(0);
    };
    this.rest = setTimeout(over, Math.ceil((bytes / EACH_SECOND) * 1_000)).unref();
  }

  private turn(): void {
    const isShut = this.isFull || this.rest !== undefined;
    if (isShut === this.isShut) return;
    this.isShut = isShut;
    if (isShut) this.link.pause();
    else this.link.resume();
  }
}
