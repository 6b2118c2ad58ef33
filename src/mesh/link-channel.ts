/** The control channel of one link with its limits: what comes in is counted and bounded, what goes out fits the path. */
import type { Instant } from '../base/time.js';
import type { LinkId } from '../link/types.js';
import { decodeMesh, encodeMesh } from '../wire/mesh.js';
import type { MeshMessage } from '../wire/types.js';
import { TokenBucket } from './bucket.js';
import { Channel, type ChannelMessage } from './channel.js';
import type { MeshContext } from './context.js';
import { SEAL_BYTES } from './mtu.js';
import { SACK_RANGES_MAX, STREAMS } from './segment.js';

/** Ours: control payloads taken from one link. */
const CONTROL_RATE = { perSecond: 5_000, burst: 5_000 };
/** Ours: malformed messages after which the link is given up. */
export const MALFORMED_MAX = 16;
/** Ours: stream bytes in one segment; with all headers it fits IPv6's minimum MTU. */
const PAYLOAD_MAX = 1_100;
const HEADERS_MAX = SEAL_BYTES + 22 + 4 * SACK_RANGES_MAX;

type Outgoing = Exclude<MeshMessage, { kind: 'unknown' }>;

export type ControlVerdict = 'taken' | 'dropped' | 'reset' | 'abuse';

export class LinkChannel {
  readonly #ctx: MeshContext;
  readonly #link: LinkId;
  readonly #bucket = new TokenBucket(CONTROL_RATE);
  /** Lives as long as the peer, so that its incarnations can be told apart. */
  readonly #channel: Channel;
  #isOpen = false;
  #malformed = 0;

  constructor(ctx: MeshContext, link: LinkId) {
    this.#ctx = ctx;
    this.#link = link;
    this.#channel = new Channel(ctx.options.entropy);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  start(): void {
    this.#channel.reset();
    this.#isOpen = true;
    this.#malformed = 0;
  }

  reset(): void {
    this.#channel.reset();
  }

  stop(): void {
    this.#isOpen = false;
  }

  /** One token for each control payload. */
  mayTake(now: Instant): boolean {
    if (this.#bucket.take(now)) return true;
    this.#ctx.counters.controlFlood++;
    return false;
  }

  handleSegment(now: Instant, payload: Uint8Array): ControlVerdict {
    const verdict = this.#isOpen ? this.#channel.handleSegment(now, payload) : 'stale';
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
        return verdict satisfies never;
    }
  }

  countMalformed(kind: 'malformedControl' | 'malformedMessages'): 'dropped' | 'abuse' {
    this.#ctx.counters[kind]++;
    this.#malformed++;
    return this.#malformed >= MALFORMED_MAX ? 'abuse' : 'dropped';
  }

  sendMesh(message: Outgoing): void {
    if (this.#isOpen) this.#channel.send('mesh', encodeMesh(message));
    this.#ctx.touch(this.#link);
  }

  sendAlanet(message: Uint8Array): boolean {
    const taken = this.#isOpen && this.#channel.send('alanet', message);
    this.#ctx.touch(this.#link);
    return taken;
  }

  takeWritable(): boolean {
    return this.#isOpen && this.#channel.takeWritable('alanet');
  }

  /** @param alanetToo False while the link is not up: alanet's messages wait. */
  take(alanetToo: boolean): ChannelMessage | undefined {
    return this.#isOpen ? this.#channel.take(alanetToo ? STREAMS : ['mesh']) : undefined;
  }

  decode(message: Uint8Array): MeshMessage | 'malformed' {
    const decoded = decodeMesh(message);
    return decoded.ok ? decoded.value : 'malformed';
  }

  /**
   * Seals and sends what the window allows.
   * @param datagramBytes What the path in use carries.
   * @returns whether something went out that asks for an answer.
   */
  flush(now: Instant, datagramBytes: number): boolean {
    const payloadMax = Math.min(PAYLOAD_MAX, datagramBytes - HEADERS_MAX);
    let asks = false;
    if (!this.#isOpen) return false;
    let segment = this.#channel.poll(now, payloadMax);
    while (segment !== undefined) {
      const { bytes: payload, asksAnswer } = segment;
      this.#ctx.emit({ kind: 'plane', command: { kind: 'send', link: this.#link, payload } });
      asks ||= asksAnswer;
      segment = this.#channel.poll(now, payloadMax);
    }
    return asks;
  }

  handleTimeout(now: Instant): void {
    if (!this.#isOpen) return;
    this.#channel.handleTimeout(now);
    this.#ctx.touch(this.#link);
  }

  nextTimeout(): Instant | undefined {
    return this.#isOpen ? this.#channel.nextTimeout() : undefined;
  }
}
