/** Many hints, few looks: one runs at a time, at most one waits, and between two is some time. */

/** Ours. */
const DISTANCE_MSEC = 2_000;

export class Hints {
  readonly #look: () => Promise<unknown>;
  #isRunning = false;
  #isWanted = false;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  /** @param look May fail; whoever looks says so. */
  constructor(look: () => Promise<unknown>) {
    this.#look = look;
  }

  hint(): void {
    if (this.#isStopped) return;
    this.#isWanted = true;
    if (!this.#isRunning && this.#timer === undefined) void this.#run();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    this.#isWanted = false;
    try {
      await this.#look();
    } catch {
    } finally {
      this.#isRunning = false;
      if (!this.#isStopped) {
        this.#timer = setTimeout(() => this.#next(), DISTANCE_MSEC);
        this.#timer.unref();
      }
    }
  }

  #next(): void {
    this.#timer = undefined;
    if (this.#isWanted) void this.#run();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }
}
