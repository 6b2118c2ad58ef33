import type { DropReason } from '../types.js';

/** Counts of what was dropped, by reason. */
export class Drops {
  readonly #counts = new Map<DropReason, number>();

  count(reason: DropReason, packets = 1): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + packets);
  }

  /** A copy; reasons that never happened are absent. */
  snapshot(): Record<string, number> {
    return Object.fromEntries(this.#counts);
  }
}
