/** The sliding window against replayed transport packets: RFC 6479, a ring of words that is never shifted. */

const WORD_BITS = 32;
/** One word more than the window, so that clearing ahead never eats into it. */
const WORDS = 257;
/** Counters that far behind the highest are refused. WireGuard asks for about 2000; our brief for 8000. */
export const REPLAY_WINDOW = (WORDS - 1) * WORD_BITS;
/** Counters are exact numbers only below this. */
export const COUNTER_LIMIT = 2 ** 53 - 1;

/** One per receiving key. Allocates nothing after construction. */
export class ReplayWindow {
  readonly #words = new Uint32Array(WORDS);
  /** Highest marked counter, -1 before the first. */
  #highest = -1;

  /** Whether `counter` is neither seen nor too old. Ask before opening the packet: it is cheap. */
  check(counter: number): boolean {
    if (counter > this.#highest) return counter < COUNTER_LIMIT;
    if (counter <= this.#highest - REPLAY_WINDOW) return false;
    const word = Math.floor(counter / WORD_BITS) % WORDS;
    return ((this.#words[word] as number) & (1 << (counter % WORD_BITS))) === 0;
  }

  /** Marks a counter that `check` allowed and whose packet was authentic. @returns false, marking nothing, otherwise. */
  mark(counter: number): boolean {
    if (!this.check(counter)) return false;
    if (counter > this.#highest) this.#advance(counter);
    const word = Math.floor(counter / WORD_BITS) % WORDS;
    this.#words[word] = (this.#words[word] as number) | (1 << (counter % WORD_BITS));
    return true;
  }

  /** Highest counter marked, -1 before the first. */
  get highest(): number {
    return this.#highest;
  }

  /** Clears the words between the old highest and the new one. */
  #advance(counter: number): void {
    const from = Math.floor(this.#highest / WORD_BITS);
    const to = Math.floor(counter / WORD_BITS);
    const steps = Math.min(to - from, WORDS);
    for (let i = 1; i <= steps; i++) this.#words[(from + i) % WORDS] = 0;
    this.#highest = counter;
  }
}
