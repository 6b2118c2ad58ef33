import { decodeMesh, encodeMesh } from '../wire/mesh.js';
import { TokenBucket } from './bucket.js';
import { Channel } from './channel.js';
import { SEAL_BYTES } from './mtu.js';
import { SACK_RANGES_MAX, STREAMS } from './segment.js';
/** Ours: control payloads taken from one link. */
const CONTROL_RATE = { perSecond: 5_000, burst: 5_000 };
/** Ours: malformed messages after which the link is given up. */
export const MALFORMED_MAX = 16;
/** Ours: stream bytes in one segment; with all headers it fits IPv6's minimum MTU. */
const PAYLOAD_MAX = 1_100;
const HEADERS_MAX = SEAL_BYTES + 22 + 4 * SACK_RANGES_MAX;
export class LinkChannel {
    #ctx;
    #link;
    #bucket = new TokenBucket(CONTROL_RATE);
    #channel;
    #malformed = 0;
    constructor(ctx, link) {
        this.#ctx = ctx;
        this.#link = link;
    }
    get isOpen() {
        return this.#channel !== undefined;
    }
    /** Everything sent was acknowledged. */
    get isQuiet() {
        return this.#channel?.isDrained ?? true;
    }
    start() {
        this.#channel = new Channel(this.#ctx.options.entropy);
        this.#malformed = 0;
    }
    reset() {
        this.#channel?.reset();
    }
    stop() {
        this.#channel = undefined;
    }
    /** One token for each control payload. */
    mayTake(now) {
        if (this.#bucket.take(now))
            return true;
        this.#ctx.counters.controlFlood++;
        return false;
    }
    handleSegment(now, payload) {
        const verdict = this.#channel?.handleSegment(now, payload) ?? 'stale';
        this.#ctx.touch(this.#link);
        switch (verdict) {
            case 'taken':
            case 'reset':
                return verdict;
            case 'stale':
                this.#ctx.counters.staleSegments++;
                return 'dropped';
            case 'malformed':
                return this.countMalformed('malformedControl');
            default:
                return verdict;
        }
    }
    countMalformed(kind) {
        this.#ctx.counters[kind]++;
        this.#malformed++;
        return this.#malformed >= MALFORMED_MAX ? 'abuse' : 'dropped';
    }
    sendMesh(message) {
        this.#channel?.send('mesh', encodeMesh(message));
        this.#ctx.touch(this.#link);
    }
    sendAlanet(message) {
        const taken = this.#channel?.send('alanet', message) ?? false;
        this.#ctx.touch(this.#link);
        return taken;
    }
    takeWritable() {
        return this.#channel?.takeWritable('alanet') ?? false;
    }
    /** @param alanetToo False while the link is not up: alanet's messages wait. */
    take(alanetToo) {
        return this.#channel?.take(alanetToo ? STREAMS : ['mesh']);
    }
    decode(message) {
        const decoded = decodeMesh(message);
        return decoded.ok ? decoded.value : 'malformed';
    }
    /**
     * Seals and sends what the window allows.
     * @param datagramBytes What the path in use carries.
     * @returns whether something went out that asks for an answer.
     */
    flush(now, datagramBytes) {
        const payloadMax = Math.min(PAYLOAD_MAX, datagramBytes - HEADERS_MAX);
        let asks = false;
        let segment = this.#channel?.poll(now, payloadMax);
        while (segment !== undefined) {
            const { bytes: payload, asksAnswer } = segment;
            this.#ctx.emit({ kind: 'plane', command: { kind: 'send', link: this.#link, payload } });
            asks ||= asksAnswer;
            segment = this.#channel?.poll(now, payloadMax);
        }
        return asks;
    }
    handleTimeout(now) {
        this.#channel?.handleTimeout(now);
        this.#ctx.touch(this.#link);
    }
    nextTimeout() {
        return this.#channel?.nextTimeout();
    }
}
