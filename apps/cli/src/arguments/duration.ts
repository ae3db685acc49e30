import { UsageError } from '../world/index.js';

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/**
 * Seconds of a duration such as `90s`, `10m`, `1h30m` or `30d`.
 * @throws UsageError for anything else.
 */
export function seconds(text: string): number {
  const parts = [...text.matchAll(/(\d{1,9})([smhdw])/g)];
  const isWhole = parts.length > 0 && parts.map(([part]) => part).join('') === text;
  if (!isWhole) throw new UsageError(`"${text}" is not a duration: write 90s, 10m, 1h30m or 30d`);
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (UNITS[unit ?? ''] ?? 0), 0);
}
