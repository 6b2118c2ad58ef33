/** A token bucket: how often something may happen. */
export class TokenBucket {
    #options;
    #tokens;
    #filledAt;
    constructor(options) {
        this.#options = options;
        this.#tokens = options.burst;
    }
    /** @returns false when it may not happen now. */
    take(now) {
        const { perSecond, burst } = this.#options;
        const idle = now - (this.#filledAt ?? now);
        this.#tokens = Math.min(burst, this.#tokens + (idle * perSecond) / 1000);
        this.#filledAt = now;
        if (this.#tokens < 1)
            return false;
        this.#tokens--;
        return true;
    }
}
