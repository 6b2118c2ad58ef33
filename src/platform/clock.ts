/** The clocks of this process. */
import { performance } from 'node:perf_hooks';
import { type EpochMillis, elapsed, type Instant, type WallClock } from '../base/time.js';

/** Monotonic, since the process started; it stands still while the host sleeps. */
export const now = (): Instant => performance.now() as Instant;

/** Follows the host's clock, also when that jumps: it is read at every call, for an instant near now. */
export const wallClock: WallClock = (at) =>
  Math.round(Date.now() - elapsed(at, now())) as EpochMillis;
