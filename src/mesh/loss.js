/** Loss in both directions, from the packet counters that probes and answers carry. */
/** Ours: packets of one direction between two estimates; fewer say little. */
const PACKETS_MIN = 20;
const WEIGHT = 0.3;
export class LossEstimator {
    #out = 0;
    #in = 0;
    #last;
    /** The counts start anew (another session or a restart). */
    reset() {
        this.#last = undefined;
    }
    add(report) {
        const last = this.#last;
        if (last === undefined) {
            this.#last = report;
            return;
        }
        const sent = report.ownTx - last.ownTx;
        const arrived = (report.peerRx - last.peerRx) >>> 0;
        const theirs = (report.peerTx - last.peerTx) >>> 0;
        const received = report.ownRx - last.ownRx;
        if (sent < PACKETS_MIN && theirs < PACKETS_MIN)
            return;
        this.#last = report;
        this.#out = blend(this.#out, sent, arrived);
        this.#in = blend(this.#in, theirs, received);
    }
    /** 0..1, of the worse direction. */
    get worst() {
        return Math.max(this.#out, this.#in);
    }
}
function blend(old, sent, arrived) {
    if (sent < PACKETS_MIN)
        return old;
    const lost = Math.min(1, Math.max(0, 1 - arrived / sent));
    return (1 - WEIGHT) * old + WEIGHT * lost;
}
