/** How much a plugin may bring in: datagrams and bytes a second, so that a flood of one leaves the loop to the others. */

/** Ours: about 0.6 Gbit/s of full datagrams. */
const DATAGRAMS_PER_SECOND = 50_000;
const BYTES_PER_SECOND = 100 * 1024 * 1024;
/** Ours: what may come at once. */
const BURST_MSEC = 50;

export class Budget {
  readonly #now: () => number;
  /** Everything charged so far is paid for at this time, ms. */
  #paidAt = 0;

  /** @param now Milliseconds, never backwards. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  charge(datagrams: number): void {
    this.#add((datagrams / DATAGRAMS_PER_SECOND) * 1000);
  }

  /** @returns For how many milliseconds nothing more should be read; 0: go on. */
  spend(bytes: number): number {
    this.#add((bytes / BYTES_PER_SECOND) * 1000);
    const ahead = this.#paidAt - this.#now();
    return ahead > BURST_MSEC ? Math.ceil(ahead - BURST_MSEC / 2) : 0;
  }

  #add(msec: number): void {
    this.#paidAt = Math.max(this.#paidAt, this.#now()) + msec;
  }
}
