/** The cost class of our own links: linear in round-trip time, with hysteresis (docs/adr/0005). */
import { after, elapsed } from '../../base/time.js';

const BAND_MSEC = 10;
const CLASS_MAX = 255;
/** Half a band outside for this long, before the class follows. */
const SETTLE_MSEC = 15_000;
/** A new link's first measurements are followed at once. */
const NEW_MSEC = 20_000;
export const classOf = (rttMsec) =>
  Math.min(Math.max(1 + Math.floor(rttMsec / BAND_MSEC), 1), CLASS_MAX);
export class CostClass {
  #current;
  #outsideSince;
  #rttMsec;
  #since;
  constructor(now, rttMsec) {
    this.#since = now;
    this.#rttMsec = rttMsec;
    this.#current = classOf(rttMsec);
  }
  get current() {
    return this.#current;
  }
  /** A new measurement. @returns When to call `settle`, if the class may have to change. */
  measured(now, rttMsec) {
    this.#rttMsec = rttMsec;
    const low = (this.#current - 1) * BAND_MSEC - BAND_MSEC / 2;
    const high = this.#current * BAND_MSEC + BAND_MSEC / 2;
    const isNew = elapsed(this.#since, now) < NEW_MSEC;
    if (isNew ? classOf(rttMsec) === this.#current : rttMsec >= low && rttMsec < high) {
      this.#outsideSince = undefined;
      return undefined;
    }
    this.#outsideSince ??= now;
    return isNew ? now : after(this.#outsideSince, SETTLE_MSEC);
  }
  /** @returns true when the class has changed. */
  settle(now) {
    const waits = elapsed(this.#since, now) < NEW_MSEC ? 0 : SETTLE_MSEC;
    if (this.#outsideSince === undefined || elapsed(this.#outsideSince, now) < waits) return false;
    this.#outsideSince = undefined;
    const before = this.#current;
    this.#current = classOf(this.#rttMsec);
    return this.#current !== before;
  }
}
