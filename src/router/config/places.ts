/** Where keys stand in a TOML text: smol-toml says so only for syntax errors. Good enough to point at a line. */

export interface Place {
  readonly line: number;
  readonly column: number;
}

/** `peers.1.key` → where it is written. Inline tables point at the line of their key. */
export function keyPlaces(text: string): Map<string, Place> {
  const places = new Map<string, Place>();
  const counts = new Map<string, number>();
  let prefix = '';
  for (const [index, line] of text.split('\n').entries()) {
    const column = line.search(/\S/) + 1;
    const header = /^\s*(\[\[?)\s*([\w.\- "']+?)\s*\]\]?\s*(#.*)?$/.exec(line);
    if (header !== null) {
      const name = clean(header[2] ?? '');
      prefix = header[1] === '[[' ? `${name}.${next(counts, name)}.` : `${name}.`;
      note(places, prefix.slice(0, -1), { line: index + 1, column });
      if (header[1] === '[[') note(places, name, { line: index + 1, column });
      continue;
    }
    const key = /^\s*([\w.\-"']+)\s*=/.exec(line);
    if (key !== null) note(places, prefix + clean(key[1] ?? ''), { line: index + 1, column });
  }
  return places;
}

const clean = (key: string): string => key.replace(/["'\s]/g, '');

function next(counts: Map<string, number>, name: string): number {
  const count = counts.get(name) ?? 0;
  counts.set(name, count + 1);
  return count;
}

function note(places: Map<string, Place>, key: string, place: Place): void {
  if (!places.has(key)) places.set(key, place);
}
