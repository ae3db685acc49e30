const STEPS: readonly (readonly [seconds: number, unit: string])[] = [
  [86_400 * 2, 'd'],
  [3600 * 2, 'h'],
  [60 * 2, 'm'],
  [0, 's'],
];
const SECONDS: Readonly<Record<string, number>> = { d: 86_400, h: 3600, m: 60, s: 1 };

/** Clocks of different machines are believed to be one up to here. */
const CLOCKS_DIFFER_MS = 60_000;

/** How long a moment is over, in one unit: `12s`, `5m`, `47h`, `3d`; `in 3h` for one of a clock that is ahead of this one. */
export function age(moment: string | undefined, now: number): string {
  if (moment === undefined) return '';
  const ms = now - Date.parse(moment);
  return ms < -CLOCKS_DIFFER_MS ? `in ${until(moment, now)}` : span(Math.max(0, ms));
}

/** The same in a sentence: `5m ago`. */
export function ago(moment: string, now: number): string {
  const passed = age(moment, now);
  return passed.startsWith('in ') ? passed : `${passed} ago`;
}

/** How long it is until a moment, to the nearest unit: `5m`. */
export function until(moment: string, now: number): string {
  return span(Date.parse(moment) - now, Math.round);
}

/** A number of milliseconds in one unit, rounded down. */
export function span(ms: number, whole: (count: number) => number = Math.floor): string {
  const seconds = whole(ms / 1000);
  const [, unit = 's'] = STEPS.find(([least]) => seconds >= least) ?? [];
  return `${whole(seconds / (SECONDS[unit] ?? 1))}${unit}`;
}

/** A moment with its distance, what is to come to the nearest unit: `2026-11-24 10:56:13Z (5m ago)`, `… (in 5m)`. */
export function moment(text: string | undefined, now: number): string {
  if (text === undefined) return '';
  const isOver = Date.parse(text) <= now;
  const shown = text.replace('T', ' ').replace(/\.\d+/, '');
  return isOver ? `${shown} (${ago(text, now)})` : `${shown} (in ${until(text, now)})`;
}

/** How often: `once`, `3 times`. */
export function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}

/** Bytes as people read them: `512 MiB`, `7.6 GiB`. */
export function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(count, 1)) / 10));
  const value = count / 1024 ** power;
  return `${value < 10 && power > 0 ? value.toFixed(1) : Math.round(value)} ${units[power] ?? ''}`;
}

/** Whole days as `89d`; an expiry that is over is `expired`. */
export function daysLeft(days: number | undefined): string {
  if (days === undefined) return '';
  return days < 0 ? 'expired' : `${days}d`;
}
