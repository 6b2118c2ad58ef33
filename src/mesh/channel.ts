/**
 * The control channel of one link: two ordered, reliable streams over whatever path the link has. Sans-IO.
 *
 * Each side has a random tag for each incarnation of its channel and learns the other's. A side is *in step* once a
 * segment named its own tag; only then are messages delivered. A new tag of the other side while in step means that it
 * started afresh: then we do too, and the caller hears `reset`. Tags that were given up are remembered, so that late
 * segments do not reset anything.
 */
import type { Entropy } from '../base/entropy.js';
import { earliest, type Instant } from '../base/time.js';
import { ArqReceiver } from './arq-receive.js';
import { ArqSender } from './arq-send.js';
import { decodeSegment, encodeSegment, type Segment, STREAMS, type Stream } from './segment.js';

/** Ours: given-up tags of the other side that are remembered. */
const OLD_TAGS_MAX = 8;
/** Ours: segments taken before the other side has named our tag; the rest it sends again. */
const EARLY_SEGMENTS_MAX = 32;

/** What became of a segment. */
export type SegmentVerdict = 'taken' | 'stale' | 'malformed' | 'reset';

interface Pair {
  readonly send: ArqSender;
  receive: ArqReceiver;
}

export interface ChannelMessage {
  readonly stream: Stream;
  readonly message: Uint8Array;
}

export interface OutgoingSegment {
  readonly bytes: Uint8Array;
  /** It carries data, which will be acknowledged. */
  readonly asksAnswer: boolean;
}

export class Channel {
  readonly #entropy: Entropy;
  #own: number;
  /** 0 while unknown. */
  #peer = 0;
  #inStep = false;
  #old: number[] = [];
  #streams: Readonly<Record<Stream, Pair>> = newStreams();

  constructor(entropy: Entropy) {
    this.#entropy = entropy;
    this.#own = this.#newTag();
  }

  /** Both streams start afresh here, and on the other side as soon as it hears of it. */
  reset(): void {
    if (this.#peer !== 0) this.#remember(this.#peer);
    this.#restart(0);
  }

  /** @returns false, and keeps nothing, when the stream's queue is full. */
  send(stream: Stream, message: Uint8Array): boolean {
    return this.#streams[stream].send.send(message);
  }

  /** True once after a refused send, when there is room again. */
  takeWritable(stream: Stream): boolean {
    return this.#streams[stream].send.takeWritable();
  }

  /** Something sent waits for its acknowledgement. */
  get isWaiting(): boolean {
    return STREAMS.some((stream) => this.#streams[stream].send.isWaiting);
  }

  /** All that was sent was acknowledged. */
  get isDrained(): boolean {
    return STREAMS.every((stream) => this.#streams[stream].send.isDrained);
  }

  /** `reset`: the streams are new, and what was queued is gone; send the Hello again. */
  handleSegment(now: Instant, bytes: Uint8Array): SegmentVerdict {
    const segment = decodeSegment(bytes);
    if (segment === undefined) return 'malformed';
    const verdict = this.#match(segment);
    if (verdict === 'stale') return verdict;
    const pair = this.#streams[segment.stream];
    if (segment.receiver === this.#own) pair.send.handleAck(now, segment.ack);
    const { data } = segment;
    const mayTake = this.#inStep || (data?.seq ?? 0) < EARLY_SEGMENTS_MAX;
    if (data !== undefined && mayTake) pair.receive.handleData(now, data);
    return verdict;
  }

  /** The next message, in order within its stream. What is not taken stays, and in the end holds up the sender. */
  take(streams: readonly Stream[] = STREAMS): ChannelMessage | undefined {
    if (!this.#inStep) return undefined;
    for (const stream of streams) {
      const message = this.#streams[stream].receive.take();
      if (message !== undefined) return { stream, message };
    }
    return undefined;
  }

  handleTimeout(now: Instant): void {
    for (const stream of STREAMS) this.#streams[stream].send.handleTimeout(now);
  }

  nextTimeout(): Instant | undefined {
    let at: Instant | undefined;
    for (const stream of STREAMS) {
      const { send, receive } = this.#streams[stream];
      at = earliest(at, send.nextTimeout(), receive.ackDue());
    }
    return at;
  }

  /** The next segment to seal and send. @param payloadMax Stream bytes that fit one segment. */
  poll(now: Instant, payloadMax: number): OutgoingSegment | undefined {
    for (const stream of STREAMS) {
      const { send, receive } = this.#streams[stream];
      const data = send.poll(now, payloadMax);
      const ackDue = receive.ackDue();
      if (data === undefined && (ackDue === undefined || ackDue > now)) continue;
      const tags = { sender: this.#own, receiver: this.#peer };
      const bytes = encodeSegment({ stream, ...tags, ack: receive.takeAck(), data });
      return { bytes, asksAnswer: data !== undefined };
    }
    return undefined;
  }

  /** Which incarnations a segment belongs to; see the table in docs/protocol.md §Control channel. */
  #match({ sender, receiver }: Segment): 'taken' | 'stale' | 'reset' {
    if (receiver !== 0 && receiver !== this.#own) return 'stale';
    if (sender !== this.#peer) {
      if (this.#old.includes(sender)) return 'stale';
      if (this.#inStep) {
        this.#remember(this.#peer);
        this.#restart(sender);
        return 'reset';
      }
      this.#rebind(sender);
    }
    if (receiver === this.#own) this.#inStep = true;
    return 'taken';
  }

  /** Nothing of the earlier tag was delivered, so that only what it left half-received goes. */
  #rebind(sender: number): void {
    if (this.#peer !== 0) this.#remember(this.#peer);
    this.#peer = sender;
    for (const stream of STREAMS) this.#streams[stream].receive = new ArqReceiver();
  }

  #restart(peer: number): void {
    this.#own = this.#newTag();
    this.#peer = peer;
    this.#inStep = false;
    this.#streams = newStreams();
  }

  #remember(tag: number): void {
    this.#old = [...this.#old.slice(1 - OLD_TAGS_MAX), tag];
  }

  #newTag(): number {
    return 1 + this.#entropy.below(0xffff_ffff);
  }
}

const newStreams = (): Readonly<Record<Stream, Pair>> => ({
  mesh: { send: new ArqSender(), receive: new ArqReceiver() },
  alanet: { send: new ArqSender(), receive: new ArqReceiver() },
});
