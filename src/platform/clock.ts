/** The clocks of this process. */
import { performance } from 'node:perf_hooks';
import type { EpochMillis, Instant, WallClock } from '../base/time.js';

/** Ours: the two clocks are read this far apart without a jump of either; a smaller jump harms nobody. */
const JUMP_MSEC = 50;

/** Monotonic, since the process started; it stands still while the host sleeps. */
export const now = (): Instant => performance.now() as Instant;

let originMsec = performance.timeOrigin;

/** Follows the host's clock, also when that jumps; without a jump, an instant is the same time at every call. */
export const wallClock: WallClock = (at) => {
  const origin = Date.now() - performance.now();
  if (Math.abs(origin - originMsec) > JUMP_MSEC) originMsec = origin;
  return Math.round(originMsec + at) as EpochMillis;
};
