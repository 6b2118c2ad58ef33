/** DOWN → UP is damped: a link that flaps is not signed up again at once (after RFC 2439, with lab-friendly times). */
import { after, elapsed } from '../../base/time.js';

const PENALTY = 1_000;
const SUPPRESS_ABOVE = 3_500;
const REUSE_BELOW = 1_500;
const PENALTY_MAX = 8_000;
const HALF_LIFE_MSEC = 60_000;
export class Damping {
  #penalty = 0;
  #at = 0;
  #suppressed = false;
  penalty(now) {
    return this.#penalty * 0.5 ** (elapsed(this.#at, now) / HALF_LIFE_MSEC);
  }
  wentDown(now) {
    this.#penalty = Math.min(this.penalty(now) + PENALTY, PENALTY_MAX);
    this.#at = now;
    if (this.#penalty > SUPPRESS_ABOVE) this.#suppressed = true;
  }
  /** @returns When the link may be signed up; `now` or earlier when it may be at once. */
  usableAt(now) {
    const penalty = this.penalty(now);
    if (!this.#suppressed || penalty <= REUSE_BELOW) {
      this.#suppressed = false;
      return now;
    }
    return after(now, HALF_LIFE_MSEC * Math.log2(penalty / REUSE_BELOW));
  }
}
