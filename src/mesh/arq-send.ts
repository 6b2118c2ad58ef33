/**
 * The sending half of one stream: messages → length-framed bytes → numbered segments, retransmitted until acknowledged.
 *
 * Losses are found by order of transmission (as in RFC 8985): when something sent `REORDER_MAX` transmissions later has
 * arrived, the earlier one is lost, also when it was a retransmission. What is left is RFC 6298's timer.
 */
import { assert } from '../base/assert.js';
import { BoundedQueue } from '../base/queue.js';
import { after, type Instant } from '../base/time.js';
import { LINK_MESSAGE_MAX } from '../link/types.js';
import { RttEstimator } from './rtt.js';
import type { Ack, Data } from './segment.js';

/** Ours: bytes of messages not yet cut into segments. */
export const QUEUE_BYTES_MAX = 1 << 20;
/** Each message is two entries: its length and itself. */
const QUEUE_ENTRIES_MAX = 16_384;
/** Ours: segments in flight. */
export const WINDOW_MAX = 256;
const WINDOW_START = 32;
const WINDOW_MIN = 8;
/** RFC 5681's three duplicates, as transmissions. */
const REORDER_MAX = 3;
/** RFC 6298 §2.1 says 1 s at first; §2.4's floor of 1 s is too slow for links that we probe each second. */
const RTO_START_MSEC = 1000;
const RTO_MIN_MSEC = 100;
/** Ours, below RFC 6298's 60 s: liveness, not the timer, decides that a link is dead. */
export const RTO_MAX_MSEC = 2000;
const FRAME_BYTES = 2;

interface InFlight {
  readonly data: Data;
  sentAt: Instant;
  /** Which transmission of this stream it was last. */
  order: number;
  retransmitted: boolean;
  lost: boolean;
}

export class ArqSender {
  readonly #rtt = new RttEstimator();
  readonly #inFlight = new Map<number, InFlight>();
  readonly #queue = new BoundedQueue<Uint8Array>(QUEUE_ENTRIES_MAX);
  #queuedBytes = 0;
  /** Bytes of the first queued message that were cut already. */
  #cutBytes = 0;
  #refused = false;
  #nextSeq = 0;
  #oldest = 0;
  #peerWindow = WINDOW_START;
  #window = WINDOW_START;
  #transmissions = 0;
  #highestAcked = 0;
  #backoff = 0;
  #lost = 0;
  #deadline: Instant | undefined;

  /** @param message At most LINK_MESSAGE_MAX bytes; not copied. @returns false, and keeps nothing, when full. */
  send(message: Uint8Array): boolean {
    assert(message.length <= LINK_MESSAGE_MAX, 'a message has at most 65,535 bytes');
    const bytes = message.length + FRAME_BYTES;
    const full = this.#queuedBytes + bytes > QUEUE_BYTES_MAX;
    if (full || this.#queue.length + 2 > QUEUE_ENTRIES_MAX) {
      this.#refused = true;
      return false;
    }
    this.#queue.push(Uint8Array.of(message.length >> 8, message.length & 0xff));
    if (message.length > 0) this.#queue.push(message);
    this.#queuedBytes += bytes;
    return true;
  }

  /** True once after a refusal, when the queue has fallen below half. */
  takeWritable(): boolean {
    if (!this.#refused || this.#queuedBytes >= QUEUE_BYTES_MAX / 2) return false;
    if (this.#queue.length >= QUEUE_ENTRIES_MAX / 2) return false;
    this.#refused = false;
    return true;
  }

  get isDrained(): boolean {
    return this.#queuedBytes === 0 && this.#inFlight.size === 0;
  }

  /** @param payloadMax Bytes of payload that the smallest path carries. */
  poll(now: Instant, payloadMax: number): Data | undefined {
    const again = this.#nextLost();
    if (again !== undefined) return this.#transmit(now, again);
    if (this.#inFlight.size >= Math.min(this.#window, this.#peerWindow)) return undefined;
    if (this.#queuedBytes === 0) return undefined;
    const data = { seq: this.#nextSeq >>> 0, payload: this.#cut(payloadMax) };
    const entry = { data, sentAt: now, order: 0, retransmitted: false, lost: false };
    this.#inFlight.set(this.#nextSeq++, entry);
    return this.#transmit(now, entry);
  }

  nextTimeout(): Instant | undefined {
    return this.#deadline;
  }

  /** RFC 6298 §5.4–5.6: the oldest goes again, the timer doubles. */
  handleTimeout(now: Instant): void {
    if (this.#deadline === undefined || now < this.#deadline) return;
    const oldest = this.#inFlight.get(this.#oldest);
    if (oldest !== undefined) this.#markLost(oldest);
    this.#backoff = Math.min(this.#backoff + 1, 10);
    this.#window = Math.max(WINDOW_MIN, this.#window >> 1);
    this.#deadline = after(now, this.#timeoutMsec());
  }

  handleAck(now: Instant, ack: Ack): void {
    const next = this.#oldest + ((ack.next - this.#oldest) | 0);
    if (next < this.#oldest || next > this.#nextSeq) return;
    this.#peerWindow = Math.max(1, Math.min(ack.window, WINDOW_MAX));
    let acked = 0;
    while (this.#oldest < next) acked += this.#acknowledge(now, this.#oldest++);
    for (const { from, to } of ack.ranges) {
      const end = Math.min(next + to, this.#nextSeq);
      for (let seq = next + from; seq < end; seq++) acked += this.#acknowledge(now, seq);
    }
    if (acked === 0) return;
    this.#backoff = 0;
    this.#window = Math.min(WINDOW_MAX, this.#window + acked);
    this.#deadline = this.#inFlight.size === 0 ? undefined : after(now, this.#timeoutMsec());
    this.#findLost();
  }

  #acknowledge(now: Instant, seq: number): number {
    const entry = this.#inFlight.get(seq);
    if (entry === undefined) return 0;
    this.#inFlight.delete(seq);
    if (entry.lost) this.#lost--;
    if (!entry.retransmitted) this.#rtt.add(Math.max(now - entry.sentAt, 0.01)); // Karn
    this.#highestAcked = Math.max(this.#highestAcked, entry.order);
    return 1;
  }

  #findLost(): void {
    for (const entry of this.#inFlight.values()) {
      if (!entry.lost && entry.order + REORDER_MAX <= this.#highestAcked) this.#markLost(entry);
    }
  }

  #markLost(entry: InFlight): void {
    if (entry.lost) return;
    entry.lost = true;
    this.#lost++;
  }

  #nextLost(): InFlight | undefined {
    if (this.#lost === 0) return undefined;
    for (const entry of this.#inFlight.values()) if (entry.lost) return entry;
    return undefined;
  }

  #transmit(now: Instant, entry: InFlight): Data {
    if (entry.lost) {
      entry.lost = false;
      entry.retransmitted = true;
      this.#lost--;
    }
    entry.sentAt = now;
    entry.order = ++this.#transmissions;
    this.#deadline ??= after(now, this.#timeoutMsec());
    return entry.data;
  }

  #timeoutMsec(): number {
    const measured = this.#rtt.timeoutMsec ?? RTO_START_MSEC;
    return Math.min(RTO_MAX_MSEC, Math.max(RTO_MIN_MSEC, measured) * 2 ** this.#backoff);
  }

  #cut(payloadMax: number): Uint8Array {
    const payload = new Uint8Array(Math.min(payloadMax, this.#queuedBytes));
    let at = 0;
    while (at < payload.length) {
      const part = this.#queue.peek();
      assert(part !== undefined, 'queuedBytes counts what is queued');
      const piece = part.subarray(this.#cutBytes, this.#cutBytes + payload.length - at);
      payload.set(piece, at);
      at += piece.length;
      this.#cutBytes += piece.length;
      if (this.#cutBytes < part.length) break;
      this.#cutBytes = 0;
      this.#queue.shift();
    }
    this.#queuedBytes -= payload.length;
    return payload;
  }
}
