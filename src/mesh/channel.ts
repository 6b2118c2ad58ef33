/**
 * The control channel of one link: two ordered, reliable streams over whatever path the link has. Sans-IO.
 *
 * Each side has a tag for each incarnation of its channel: random at the start of the router, then counting. It learns the
 * other's, and is *in step* once a segment named its own tag; only then are messages delivered. A newer tag of the other
 * side while in step means that it started afresh: then we do too, and the caller hears `reset`. Late segments of older
 * incarnations change nothing.
 */
import type { Entropy } from '../base/entropy.js';
import { earliest, type Instant } from '../base/time.js';
import { ArqReceiver } from './arq-receive.js';
import { ArqSender } from './arq-send.js';
import { decodeSegment, encodeSegment, type Segment, STREAMS, type Stream } from './segment.js';

/** Ours: tags of the other side before it restarted that are remembered. */
const OLD_TAGS_MAX = 8;
/** Ours: segments taken before the other side has named our tag; the rest it sends again. */
const EARLY_SEGMENTS_MAX = 32;

/** Tags less than this apart are of one run of a router. */
const TAG_DISTANCE = 0x1_0000;

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
  #own: number;
  /** 0 while unknown. */
  #peer = 0;
  #inStep = false;
  #old: number[] = [];
  #streams: Readonly<Record<Stream, Pair>> = newStreams();

  constructor(entropy: Entropy) {
    this.#own = 1 + entropy.below(0xffff_ffff);
  }

  /** Both streams start afresh here, and on the other side as soon as it hears of it. */
  reset(): void {
    this.#restart(this.#peer);
  }

  /** @returns false, and keeps nothing, when the stream's queue is full. */
  send(stream: Stream, message: Uint8Array): boolean {
    return this.#streams[stream].send.send(message);
  }

  /** True once after a refused send, when there is room again. */
  takeWritable(stream: Stream): boolean {
    return this.#streams[stream].send.takeWritable();
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

  /** Which incarnations a segment is of; see the table in docs/protocol.md §Control channel. */
  #match({ sender, receiver }: Segment): 'taken' | 'stale' | 'reset' {
    const order = orderOfTags(sender, this.#peer);
    if (order === 'older' || (order === 'unrelated' && this.#old.includes(sender))) return 'stale';
    const isForUs = receiver === 0 || receiver === this.#own;
    if (!isForUs && order !== 'newer') return 'stale';
    if (order !== 'same') {
      if (this.#inStep) {
        if (order === 'unrelated') this.#remember(this.#peer);
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
    this.#peer = sender;
    for (const stream of STREAMS) this.#streams[stream].receive = new ArqReceiver();
  }

  #restart(peer: number): void {
    this.#own = this.#own === 0xffff_ffff ? 1 : this.#own + 1;
    this.#peer = peer;
    this.#inStep = false;
    this.#streams = newStreams();
  }

  #remember(tag: number): void {
    this.#old = [...this.#old.slice(1 - OLD_TAGS_MAX), tag];
  }
}

/** `unrelated`: of another run of the router, or nothing to compare with. */
function orderOfTags(tag: number, known: number): 'same' | 'newer' | 'older' | 'unrelated' {
  const ahead = (tag - known) >>> 0;
  if (ahead === 0) return 'same';
  if (known === 0) return 'unrelated';
  if (ahead < TAG_DISTANCE) return 'newer';
  return ahead > 2 ** 32 - TAG_DISTANCE ? 'older' : 'unrelated';
}

const newStreams = (): Readonly<Record<Stream, Pair>> => ({
  mesh: { send: new ArqSender(), receive: new ArqReceiver() },
  alanet: { send: new ArqSender(), receive: new ArqReceiver() },
});
