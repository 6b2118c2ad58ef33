import type { Instant } from '../base/time.js';
import { type BucketOptions, TokenBucket } from '../mesh/bucket.js';

/** Ours: sources whose rate is known; over it, all begin anew within the total. */
const SOURCES_MAX = 4_096;

export interface SourceLimitOptions {
  readonly each: BucketOptions;
  readonly total: BucketOptions;
  readonly now: () => Instant;
}

/** How often something may happen: for one source, and for all. */
export class SourceLimit {
  readonly #options: SourceLimitOptions;
  readonly #total: TokenBucket;
  readonly #sources = new Map<string, TokenBucket>();

  constructor(options: SourceLimitOptions) {
    this.#options = options;
    this.#total = new TokenBucket(options.total);
  }

  takes(source: string): boolean {
    const at = this.#options.now();
    let bucket = this.#sources.get(source);
    if (bucket === undefined) {
      if (this.#sources.size >= SOURCES_MAX) this.#sources.clear();
      bucket = new TokenBucket(this.#options.each);
      this.#sources.set(source, bucket);
    }
    return bucket.take(at) && this.#total.take(at);
  }
}
