/** One line of the scoreboard: what is measured, beside what, and what is good enough. */
export interface Figure {
  /** Number in the scoreboard. */
  readonly number: number;
  readonly title: string;
  readonly unit: string;
  readonly target: string;
  /** Measures ours and the peer in turn (A B A B …), `pairs` times. */
  readonly measure: (options: { pairs: number; log: (line: string) => void }) => Promise<Measured>;
}

export interface Measured {
  readonly ours: readonly number[];
  readonly beside: readonly { readonly name: string; readonly values: readonly number[] }[];
  /** Whether the target is met by these samples. */
  readonly met: boolean;
  readonly how: string;
}

/** Middle value; of an even count the mean of the two in the middle. `NaN` for no values. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Value below which the share `q` (0 to 1) of the values lies, interpolated. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const [low, high] = [sorted[Math.floor(at)] ?? NaN, sorted[Math.ceil(at)] ?? NaN];
  return low + (high - low) * (at - Math.floor(at));
}

/** A row of the table in Markdown: median, spread (lowest to highest), the peers and the ratio to each. */
export function row(figure: Figure, { ours, beside, met, how }: Measured): string {
  const peers = beside.map(({ name, values }) => `${name} ${short(median(values))}`).join('; ');
  const ratios = beside.map(({ values }) => `${(median(ours) / median(values)).toFixed(2)} ×`).join('; ');
  const spread = `${short(Math.min(...ours))} – ${short(Math.max(...ours))}`;
  const cells = [
    figure.number,
    figure.title,
    `${short(median(ours))} ${figure.unit}`,
    spread,
    peers || '–',
    ratios || '–',
  ];
  return `| ${[...cells, figure.target, met ? 'met' : '**not met**', how].join(' | ')} |`;
}

export const HEADER = [
  '| # | figure | median | spread | beside | ratio | target | | how |',
  '| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
].join('\n');

function short(value: number): string {
  if (!Number.isFinite(value)) return '–';
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
