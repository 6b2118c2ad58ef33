/** Plain tables for a terminal: columns two spaces apart, no colour, as wide as their words. */

export type Align = 'left' | 'right';

export interface TableOptions {
  /** One a column; 'left' where absent. */
  readonly align?: readonly Align[];
}

/**
 * @param headers One a column.
 * @param rows As many cells as headers.
 * @returns Lines with a newline each, without spaces at their ends.
 */
export function table(
  headers: readonly string[],
  rows: readonly (readonly string[])[],
  { align = [] }: TableOptions = {},
): string {
  const all = [headers, ...rows];
  const widths = headers.map((_, i) => Math.max(...all.map((row) => [...(row[i] ?? '')].length)));
  const line = (row: readonly string[]): string => {
    const cells = widths.map((width, i) => {
      const cell = row[i] ?? '';
      const space = ' '.repeat(width - [...cell].length);
      return align[i] === 'right' ? space + cell : cell + space;
    });
    return `${cells.join('  ').trimEnd()}\n`;
  };
  return all.map(line).join('');
}
