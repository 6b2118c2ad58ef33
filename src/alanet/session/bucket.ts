/** A budget that fills with time: what one neighbor may cost us. */
import { after, elapsed, type Instant } from '../../base/time.js';

export class Bucket {
  readonly #burst: number;
  readonly #perSecond: number;
  #level: number;
  #at: Instant | undefined;

  constructor({ burst, perSecond }: { readonly burst: number; readonly perSecond: number }) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#level = burst;
  }

  /** @returns How many of `wanted` may be had now: whole ones, 0 to `wanted`. */
  take(now: Instant, wanted: number): number {
    const msec = this.#at === undefined ? 0 : elapsed(this.#at, now);
    this.#level = Math.min(this.#level + (msec / 1000) * this.#perSecond, this.#burst);
    this.#at = now;
    const taken = Math.min(Math.floor(this.#level), wanted);
    this.#level -= taken;
    return taken;
  }

  /** When `wanted` can be had, as things stood at the last `take`. */
  readyAt(now: Instant, wanted: number): Instant {
    const missing = Math.min(wanted, this.#burst) - this.#level;
    return missing <= 0 ? now : after(now, Math.ceil((missing / this.#perSecond) * 1000));
  }
}
