/** Plain tables for a terminal: columns two spaces apart, no colour, as wide as their words up to a limit. */

export type Align = 'left' | 'right';

export interface TableOptions {
  /** One a column; 'left' where absent. */
  readonly align?: readonly Align[];
  /** Characters that no line exceeds; the widest columns are cut to fit, with `…`. Default 120 (CLI.md). */
  readonly width?: number;
}

const GAP = '  ';
const WIDTH_MAX = 120;
/** Ours: no column is cut below this, so that what is left still says something. */
const COLUMN_LEAST = 4;

/**
 * @param headers One a column.
 * @param rows As many cells as headers.
 * @returns Lines with a newline each, without spaces at their ends.
 */
export function table(
  headers: readonly string[],
  rows: readonly (readonly string[])[],
  { align = [], width = WIDTH_MAX }: TableOptions = {},
): string {
  const all = [headers, ...rows];
  const natural = headers.map((_, i) => Math.max(...all.map((row) => [...(row[i] ?? '')].length)));
  const widths = squeezed(natural, width);
  const line = (row: readonly string[]): string => {
    const cells = widths.map((limit, i) => {
      const cell = cut(row[i] ?? '', limit);
      const space = ' '.repeat(limit - [...cell].length);
      return align[i] === 'right' ? space + cell : cell + space;
    });
    return `${cells.join(GAP).trimEnd()}\n`;
  };
  return all.map(line).join('');
}

/** Takes from the widest column, one character at a time, until the line fits. */
function squeezed(natural: readonly number[], limit: number): readonly number[] {
  const widths = [...natural];
  const gaps = GAP.length * Math.max(widths.length - 1, 0);
  let over = widths.reduce((sum, one) => sum + one, gaps) - limit;
  while (over > 0) {
    const widest = Math.max(...widths);
    if (widest <= COLUMN_LEAST) break;
    widths[widths.indexOf(widest)] = widest - 1;
    over -= 1;
  }
  return widths;
}

/** @returns At most `limit` characters, the last one `…` where something is missing. */
function cut(text: string, limit: number): string {
  const characters = [...text];
  return characters.length <= limit ? text : `${characters.slice(0, limit - 1).join('')}…`;
}
