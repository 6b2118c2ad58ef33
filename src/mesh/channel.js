import { earliest } from '../base/time.js';
import { ArqReceiver } from './arq-receive.js';
import { ArqSender } from './arq-send.js';
import { decodeSegment, encodeSegment, STREAMS } from './segment.js';
/** Ours: given-up tags of the other side that are remembered. */
const OLD_TAGS_MAX = 8;
/** Ours: segments taken before the other side has named our tag; the rest it sends again. */
const EARLY_SEGMENTS_MAX = 32;
export class Channel {
    #entropy;
    #own;
    /** 0 while unknown. */
    #peer = 0;
    #inStep = false;
    #old = [];
    #streams = newStreams();
    constructor(entropy) {
        this.#entropy = entropy;
        this.#own = this.#newTag();
    }
    /** Both streams start afresh here, and on the other side as soon as it hears of it. */
    reset() {
        if (this.#peer !== 0)
            this.#remember(this.#peer);
        this.#restart(0);
    }
    /** @returns false, and keeps nothing, when the stream's queue is full. */
    send(stream, message) {
        return this.#streams[stream].send.send(message);
    }
    /** True once after a refused send, when there is room again. */
    takeWritable(stream) {
        return this.#streams[stream].send.takeWritable();
    }
    /** Something sent waits for its acknowledgement. */
    get isWaiting() {
        return STREAMS.some((stream) => this.#streams[stream].send.isWaiting);
    }
    /** All that was sent was acknowledged. */
    get isDrained() {
        return STREAMS.every((stream) => this.#streams[stream].send.isDrained);
    }
    /** `reset`: the streams are new, and what was queued is gone; send the Hello again. */
    handleSegment(now, bytes) {
        const segment = decodeSegment(bytes);
        if (segment === undefined)
            return 'malformed';
        const verdict = this.#match(segment);
        if (verdict === 'stale')
            return verdict;
        const pair = this.#streams[segment.stream];
        if (segment.receiver === this.#own)
            pair.send.handleAck(now, segment.ack);
        const { data } = segment;
        const mayTake = this.#inStep || (data?.seq ?? 0) < EARLY_SEGMENTS_MAX;
        if (data !== undefined && mayTake)
            pair.receive.handleData(now, data);
        return verdict;
    }
    /** The next message, in order within its stream. What is not taken stays, and in the end holds up the sender. */
    take(streams = STREAMS) {
        if (!this.#inStep)
            return undefined;
        for (const stream of streams) {
            const message = this.#streams[stream].receive.take();
            if (message !== undefined)
                return { stream, message };
        }
        return undefined;
    }
    handleTimeout(now) {
        for (const stream of STREAMS)
            this.#streams[stream].send.handleTimeout(now);
    }
    nextTimeout() {
        let at;
        for (const stream of STREAMS) {
            const { send, receive } = this.#streams[stream];
            at = earliest(at, send.nextTimeout(), receive.ackDue());
        }
        return at;
    }
    /** The next segment to seal and send. @param payloadMax Stream bytes that fit one segment. */
    poll(now, payloadMax) {
        for (const stream of STREAMS) {
            const { send, receive } = this.#streams[stream];
            const data = send.poll(now, payloadMax);
            const ackDue = receive.ackDue();
            if (data === undefined && (ackDue === undefined || ackDue > now))
                continue;
            const tags = { sender: this.#own, receiver: this.#peer };
            const bytes = encodeSegment({ stream, ...tags, ack: receive.takeAck(), data });
            return { bytes, asksAnswer: data !== undefined };
        }
        return undefined;
    }
    /** Which incarnations a segment belongs to; see the table in docs/protocol.md §Control channel. */
    #match({ sender, receiver }) {
        if (receiver !== 0 && receiver !== this.#own)
            return 'stale';
        if (sender !== this.#peer) {
            if (this.#old.includes(sender))
                return 'stale';
            if (this.#inStep) {
                this.#remember(this.#peer);
                this.#restart(sender);
                return 'reset';
            }
            this.#rebind(sender);
        }
        if (receiver === this.#own)
            this.#inStep = true;
        return 'taken';
    }
    /** Nothing of the earlier tag was delivered, so that only what it left half-received goes. */
    #rebind(sender) {
        if (this.#peer !== 0)
            this.#remember(this.#peer);
        this.#peer = sender;
        for (const stream of STREAMS)
            this.#streams[stream].receive = new ArqReceiver();
    }
    #restart(peer) {
        this.#own = this.#newTag();
        this.#peer = peer;
        this.#inStep = false;
        this.#streams = newStreams();
    }
    #remember(tag) {
        this.#old = [...this.#old.slice(1 - OLD_TAGS_MAX), tag];
    }
    #newTag() {
        return 1 + this.#entropy.below(0xffff_ffff);
    }
}
const newStreams = () => ({
    mesh: { send: new ArqSender(), receive: new ArqReceiver() },
    alanet: { send: new ArqSender(), receive: new ArqReceiver() },
});
