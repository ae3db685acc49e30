import { printable } from './terminal.js';

/** One column of a table. */
export interface Column<T> {
  readonly title: string;
  readonly of: (item: T, now: number) => string;
  /** Shown with `-o wide` only. */
  readonly wide?: true;
  /** Left out when it has nothing to say about any row. */
  readonly sparse?: true;
  /** Changes as time goes by, though nothing happens. */
  readonly ticking?: true;
}

const GAP = '   ';

/** The columns that a format shows. */
export function columnsOf<T>(columns: readonly Column<T>[], format: string): readonly Column<T>[] {
  return columns.filter(({ wide }) => format === 'wide' || wide !== true);
}

/** Lines of a table, every column as wide as its widest cell, a first one with the titles. Cells are one line each. */
export function tableLines<T>(columns: readonly Column<T>[], items: readonly T[], now: number): string[] {
  const cells = columns.map((column) => items.map((item) => oneLine(column.of(item, now))));
  const shown = columns.flatMap((column, index) => {
    const own = cells[index] ?? [];
    return column.sparse && own.every((cell) => cell === '') ? [] : [[column.title, ...own]];
  });
  return aligned(shown);
}

/** Columns of cells as lines. */
export function aligned(columns: readonly (readonly string[])[]): string[] {
  const widths = columns.map((cells) => cells.reduce((widest, cell) => Math.max(widest, widthOf(cell)), 0));
  const height = columns[0]?.length ?? 0;
  return Array.from({ length: height }, (_, row) =>
    columns
      .map((cells, index) => padded(cells[row] ?? '', widths[index] ?? 0))
      .join(GAP)
      .trimEnd(),
  );
}

/** What another party said, fit for one line of a terminal: no line breaks, no control characters. */
export function oneLine(text: string): string {
  return printable(text).trim();
}

function padded(cell: string, width: number): string {
  return cell + ' '.repeat(Math.max(0, width - widthOf(cell)));
}

function widthOf(text: string): number {
  return Array.from(text).length;
}
