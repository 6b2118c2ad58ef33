/** The receiving half of one stream: segments in any order → messages in order, and what to acknowledge. */
import { after } from '../base/time.js';
import { SACK_RANGES_MAX } from './segment.js';
/** Ours: segments held beyond the next expected one. */
export const RECEIVE_WINDOW = 512;
/** Ours: an acknowledgement waits this long for company (RFC 1122 §4.2.3.2 allows 500 ms). */
export const ACK_DELAY_MSEC = 20;
/** Segments that are acknowledged together; RFC 5681 says 2. */
const ACK_EVERY = 2;
const FRAME_BYTES = 2;
/** Ours: bytes of messages not taken yet, past which nothing new is accepted. */
const UNTAKEN_BYTES_MAX = 1 << 18;
export class ArqReceiver {
    #ahead = new Map();
    #next = 0;
    #unacknowledged = 0;
    #ackAt;
    /** The start of a message that is not whole yet. */
    #partial = [];
    #partialBytes = 0;
    #messages = [];
    #untakenBytes = 0;
    handleData(now, data) {
        const seq = this.#next + ((data.seq - this.#next) | 0);
        const isNew = seq >= this.#next && seq < this.#next + RECEIVE_WINDOW && !this.#ahead.has(seq);
        const inOrder = seq === this.#next && this.#ahead.size === 0;
        if (isNew && this.#untakenBytes < UNTAKEN_BYTES_MAX)
            this.#ahead.set(seq, data.payload);
        for (let part = this.#takeNext(); part !== undefined; part = this.#takeNext())
            this.#join(part);
        this.#unacknowledged++;
        const urgent = !inOrder || this.#unacknowledged >= ACK_EVERY;
        if (urgent)
            this.#ackAt = now;
        else
            this.#ackAt ??= after(now, ACK_DELAY_MSEC);
    }
    /** The next whole message. */
    take() {
        const message = this.#messages.shift();
        this.#untakenBytes -= message?.length ?? 0;
        return message;
    }
    /** When an acknowledgement must go out though there is nothing to send. */
    ackDue() {
        return this.#ackAt;
    }
    /** The acknowledgement that goes into a segment being sent now. */
    takeAck() {
        this.#unacknowledged = 0;
        this.#ackAt = undefined;
        return { next: this.#next >>> 0, window: RECEIVE_WINDOW, ranges: this.#ranges() };
    }
    #takeNext() {
        const part = this.#ahead.get(this.#next);
        if (part !== undefined)
            this.#ahead.delete(this.#next++);
        return part;
    }
    #ranges() {
        if (this.#ahead.size === 0)
            return [];
        const ranges = [];
        const held = [...this.#ahead.keys()].sort((a, b) => a - b);
        let from = 0;
        for (const [i, seq] of held.entries()) {
            if (i === 0 || seq !== (held[i - 1] ?? 0) + 1)
                from = seq;
            if (held[i + 1] === seq + 1)
                continue;
            ranges.push({ from: from - this.#next, to: seq + 1 - this.#next });
            if (ranges.length === SACK_RANGES_MAX)
                break;
        }
        return ranges;
    }
    #join(part) {
        this.#partial.push(part);
        this.#partialBytes += part.length;
        while (this.#partialBytes >= FRAME_BYTES) {
            const length = (this.#byteAt(0) << 8) | this.#byteAt(1);
            if (this.#partialBytes < FRAME_BYTES + length)
                return;
            this.#messages.push(this.#split(FRAME_BYTES + length).subarray(FRAME_BYTES));
            this.#untakenBytes += length;
        }
    }
    #byteAt(index) {
        let at = index;
        for (const part of this.#partial) {
            if (at < part.length)
                return part[at];
            at -= part.length;
        }
        return 0;
    }
    /** Removes the first `count` bytes of what is held. */
    #split(count) {
        const out = new Uint8Array(count);
        let at = 0;
        let used = 0;
        for (const part of this.#partial) {
            const piece = part.subarray(0, count - at);
            out.set(piece, at);
            at += piece.length;
            if (piece.length < part.length) {
                this.#partial[used] = part.subarray(piece.length);
                break;
            }
            used++;
            if (at === count)
                break;
        }
        this.#partial = this.#partial.slice(used);
        this.#partialBytes -= count;
        return out;
    }
}
