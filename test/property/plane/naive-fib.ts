import { type FibEntry, type Layer, type NextHop, NO_ROUTE } from '../../../src/plane/fib.js';

const LAYERS: readonly Layer[] = ['local', 'peer', 'route'];

/** The forwarding table as one would explain it: a list, searched from end to end. */
export class NaiveFib {
  readonly #entries: { readonly entry: FibEntry; readonly hop: NextHop }[] = [];

  set(entry: FibEntry, hop: NextHop): void {
    this.delete(entry);
    this.#entries.push({ entry, hop });
  }

  delete(entry: FibEntry): void {
    const at = this.#entries.findIndex(
      (known) => known.entry.layer === entry.layer && isSamePrefix(known.entry, entry),
    );
    if (at >= 0) this.#entries.splice(at, 1);
  }

  get size(): number {
    const kept = this.#entries.filter(
      ({ entry }, i) => this.#entries.findIndex((e) => isSamePrefix(e.entry, entry)) === i,
    );
    return kept.length;
  }

  lookup(address: Uint8Array): NextHop {
    const matches = this.#entries.filter(({ entry }) => covers(entry, address));
    matches.sort(
      (a, b) =>
        b.entry.length - a.entry.length ||
        LAYERS.indexOf(a.entry.layer) - LAYERS.indexOf(b.entry.layer),
    );
    return matches[0]?.hop ?? NO_ROUTE;
  }
}

function isSamePrefix(a: FibEntry, b: FibEntry): boolean {
  return a.length === b.length && covers(a, b.address);
}

function covers(entry: FibEntry, address: Uint8Array): boolean {
  for (let bit = 0; bit < entry.length; bit++) {
    if (bitOf(entry.address, bit) !== bitOf(address, bit)) return false;
  }
  return true;
}

const bitOf = (bytes: Uint8Array, bit: number): number =>
  ((bytes[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1;
