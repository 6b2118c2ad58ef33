/** RFC 6298 §2: G, the clock's granularity. */
const GRANULARITY_MSEC = 1;
export class RttEstimator {
    #smoothed;
    #variance = 0;
    /** RFC 6298 §2.2, §2.3. @param sample ms, > 0. */
    add(sample) {
        if (this.#smoothed === undefined) {
            this.#smoothed = sample;
            this.#variance = sample / 2;
            return;
        }
        this.#variance = 0.75 * this.#variance + 0.25 * Math.abs(this.#smoothed - sample);
        this.#smoothed = 0.875 * this.#smoothed + 0.125 * sample;
    }
    get smoothedMsec() {
        return this.#smoothed;
    }
    /** Undefined until something was measured. */
    get timeoutMsec() {
        if (this.#smoothed === undefined)
            return undefined;
        return this.#smoothed + Math.max(GRANULARITY_MSEC, 4 * this.#variance);
    }
}
/** Ours: about a minute of one probe every ten seconds, and the idle probes of several minutes. */
const SAMPLES_MAX = 8;
const WINDOW_MSEC = 60_000;
/** The minimum of the last minute's samples, and at least of the last two. */
export class MinRtt {
    #samples = [];
    add(now, msec) {
        this.#samples.push({ at: now, msec });
        while (this.#samples.length > SAMPLES_MAX)
            this.#samples.shift();
        while (this.#samples.length > 2 && (this.#samples[0]?.at ?? now) < now - WINDOW_MSEC) {
            this.#samples.shift();
        }
    }
    get msec() {
        let least;
        for (const { msec } of this.#samples)
            if (least === undefined || msec < least)
                least = msec;
        return least;
    }
}
