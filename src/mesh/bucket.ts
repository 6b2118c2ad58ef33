import type { Instant } from '../base/time.js';

export interface BucketOptions {
  readonly perSecond: number;
  readonly burst: number;
}

/** A token bucket: how often something may happen. */
export class TokenBucket {
  readonly #options: BucketOptions;
  #tokens: number;
  #filledAt: Instant | undefined;

  constructor(options: BucketOptions) {
    this.#options = options;
    this.#tokens = options.burst;
  }

  /** @param tokens What it costs. @returns false when it may not happen now. */
  take(now: Instant, tokens = 1): boolean {
    const { perSecond, burst } = this.#options;
    const idle = now - (this.#filledAt ?? now);
    this.#tokens = Math.min(burst, this.#tokens + (idle * perSecond) / 1000);
    this.#filledAt = now;
    if (this.#tokens < tokens) return false;
    this.#tokens -= tokens;
    return true;
  }
}
