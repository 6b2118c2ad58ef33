/** Time is an argument: machines never read a clock. */

export type Millis = number & { readonly unit: 'ms' };
/** Milliseconds since the process (or simulation) started; monotonic. */
export type Instant = number & { readonly unit: 'ms since start' };
/** Milliseconds since 1970, for records that other nodes check. */
export type EpochMillis = number & { readonly unit: 'ms since epoch' };

/** Turns a monotonic instant into wall-clock time; given to machines that sign or check expiry. */
export type WallClock = (now: Instant) => EpochMillis;

export function after(now: Instant, delay: number): Instant {
  return (now + delay) as Instant;
}

export function elapsed(since: Instant, now: Instant): Millis {
  return (now - since) as Millis;
}

export function earliest(...times: (Instant | undefined)[]): Instant | undefined {
  let first: Instant | undefined;
  for (const at of times) if (at !== undefined && (first === undefined || at < first)) first = at;
  return first;
}
