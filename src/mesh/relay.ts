/**
 * Relays: datagrams of two peers, carried inside our links with both. A channel is a number on one link; the relay knows
 * which channel of which other link it leads to, an end knows which peer is at the other end. Nobody but the two ends can
 * read what is carried: their session goes through it like through any path.
 *
 * The way of a request: `want` → RelayOpen → `#onOpen` at the relay → RelayOffer → `#onOffer` at the other end.
 */
import { toBase64Url, toHex } from '../base/bytes.js';
import { formatNodeId, type NodeId } from '../base/ip6.js';
import type { Instant } from '../base/time.js';
import type { LinkId } from '../link/types.js';
import type { MeshMessage } from '../wire/types.js';
import { TokenBucket } from './bucket.js';

/** First byte of a carried datagram inside a session; four bytes of channel follow (big endian). */
export const RELAY_TYPE = 0xa4;
const HEAD_BYTES = 5;
/** Ours: neighbors that are asked for one peer. */
const ASKED_MAX = 8;
/** Ours: channels of one link, as an end and as a relay; and of all as a relay. */
const CHANNELS_PER_LINK_MAX = 64;
const PAIRS_MAX = 512;
/** Ours: a pair that carries nothing for so long is closed. */
const IDLE_MSEC = 300_000;
const SWEEP_MSEC = 30_000;
/** Ours, bytes: what one pair may move, and all; a burst of one is what a busy second of video is. */
const PAIR_RATE = { perSecond: 12_500_000, burst: 4_000_000 };
const TOTAL_RATE = { perSecond: 62_500_000, burst: 16_000_000 };
/** Ours: requests of one link. */
const REQUEST_RATE = { perSecond: 2, burst: 20 };

export type RelayPolicy = 'off' | 'peers' | 'anyone';
export type RelayMessage = Extract<
  MeshMessage,
  { kind: 'relay-open' | 'relay-offer' | 'relay-close' }
>;

/** What a relay must know of one of the mesh's links. */
export interface RelayLink {
  readonly link: LinkId;
  /** X25519, 32 bytes. */
  readonly key: Uint8Array;
  readonly node: NodeId | undefined;
  readonly isUp: boolean;
  /** Over a relay itself: it carries no others. */
  readonly isRelayed: boolean;
  /** Configured, a member, or of this realm on the LAN; not a guest. */
  readonly isPeer: boolean;
}

export interface RelayParts {
  readonly policy: () => RelayPolicy;
  readonly links: () => Iterable<RelayLink>;
  readonly byLink: (link: LinkId) => RelayLink | undefined;
  /** Lower key on this link: its channels are odd, the other side's even. */
  readonly isOdd: (link: LinkId) => boolean;
  readonly tell: (link: LinkId, message: RelayMessage) => void;
  readonly carry: (link: LinkId, payload: Uint8Array) => void;
  /** An end of ours is open: this endpoint leads to the peer. false: nobody wants it. */
  readonly opened: (now: Instant, key: Uint8Array, endpoint: string) => boolean;
  readonly closed: (endpoint: string, reason: string) => void;
  readonly received: (endpoint: string, datagram: Uint8Array) => void;
}

/** One direction of a pair at the relay. */
interface Hop {
  readonly to: LinkId;
  readonly channel: number;
  readonly pair: Pair;
}

interface Pair {
  readonly bucket: TokenBucket;
  usedAt: Instant;
  readonly ends: readonly [ChannelName, ChannelName];
}

type ChannelName = `${number}/${number}`;

/** An end of ours. */
interface End {
  readonly link: LinkId;
  readonly channel: number;
  readonly endpoint: string;
  readonly peer: string;
}

const nameOf = (link: LinkId, channel: number): ChannelName => `${link}/${channel}`;

export interface RelayCounters {
  pairs: number;
  packets: number;
  bytes: number;
  /** Too fast, or of a channel that is not open. */
  drops: number;
}

export class Relay {
  readonly #parts: RelayParts;
  readonly #hops = new Map<ChannelName, Hop>();
  readonly #ends = new Map<ChannelName, End>();
  readonly #byEndpoint = new Map<string, End>();
  readonly #requests = new Map<LinkId, TokenBucket>();
  readonly #total = new TokenBucket(TOTAL_RATE);
  readonly #counters: RelayCounters = { pairs: 0, packets: 0, bytes: 0, drops: 0 };
  #lastChannel = 0;
  #sweepAt: Instant | undefined;

  constructor(parts: RelayParts) {
    this.#parts = parts;
  }

  counters(): RelayCounters {
    return { ...this.#counters, pairs: this.#hops.size / 2 };
  }

  nextTimeout(): Instant | undefined {
    return this.#sweepAt;
  }

  // An end

  /** A peer cannot be reached: neighbors are asked whether they can. */
  want(now: Instant, key: Uint8Array): void {
    let asked = 0;
    for (const neighbor of this.#parts.links()) {
      const { link, isUp, isRelayed } = neighbor;
      if (!isUp || isRelayed || asked >= ASKED_MAX) continue;
      asked++;
      const known = [...this.#ends.values()].find((e) => e.link === link && e.peer === toHex(key));
      if (known !== undefined) this.#parts.opened(now, key, known.endpoint);
      else this.#open(now, neighbor, key);
    }
  }

  #open(now: Instant, { link, node }: RelayLink, key: Uint8Array): void {
    const channel = this.#newChannel(link);
    if (channel === undefined) return;
    this.#addEnd(now, { link, channel, node }, key);
    this.#parts.tell(link, { kind: 'relay-open', channel, key });
  }

  #addEnd(
    now: Instant,
    { link, channel, node }: { link: LinkId; channel: number; node: NodeId | undefined },
    key: Uint8Array,
  ): boolean {
    const via = node === undefined ? '' : formatNodeId(node);
    const endpoint = `relay://[${via}]/${channel}.${toBase64Url(key).slice(0, 12)}`;
    const end = { link, channel, endpoint, peer: toHex(key) };
    this.#ends.set(nameOf(link, channel), end);
    this.#byEndpoint.set(endpoint, end);
    if (this.#parts.opened(now, key, endpoint)) return true;
    this.#dropEnd(end);
    return false;
  }

  #newChannel(link: LinkId): number | undefined {
    const mine = [
      ...this.#ends.values(),
      ...[...this.#hops.values()].map((hop) => ({ link: hop.to })),
    ];
    if (mine.filter((one) => one.link === link).length >= CHANNELS_PER_LINK_MAX) return undefined;
    this.#lastChannel = (this.#lastChannel + 1) % 0x4000_0000;
    return 2 * this.#lastChannel + (this.#parts.isOdd(link) ? 1 : 0);
  }

  /** Datagrams for the other end of a channel. */
  send(endpoint: string, datagrams: readonly Uint8Array[]): void {
    const end = this.#byEndpoint.get(endpoint);
    if (end === undefined) return;
    for (const datagram of datagrams) this.#parts.carry(end.link, framed(end.channel, datagram));
  }

  /** The path of an end is not used any more. */
  release(endpoint: string): void {
    const end = this.#byEndpoint.get(endpoint);
    if (end === undefined) return;
    this.#dropEnd(end);
    this.#parts.tell(end.link, { kind: 'relay-close', channel: end.channel, reason: 'not needed' });
  }

  #dropEnd(end: End): void {
    this.#ends.delete(nameOf(end.link, end.channel));
    this.#byEndpoint.delete(end.endpoint);
  }

  // Messages

  handleMessage(now: Instant, link: LinkId, message: RelayMessage): void {
    switch (message.kind) {
      case 'relay-open':
        this.#onOpen(now, link, message);
        return;
      case 'relay-offer':
        this.#onOffer(now, link, message);
        return;
      case 'relay-close':
        this.#close(nameOf(link, message.channel), message.reason, false);
        return;
      default:
        message satisfies never;
    }
  }

  #onOpen(
    now: Instant,
    link: LinkId,
    { channel, key }: { channel: number; key: Uint8Array },
  ): void {
    const answer = this.#pairFor(now, link, channel, key);
    if (typeof answer === 'string') {
      this.#parts.tell(link, { kind: 'relay-close', channel, reason: answer });
      return;
    }
    const { target, from, outward } = answer;
    const ends = [nameOf(link, channel), nameOf(target.link, outward)] as const;
    const pair = { bucket: new TokenBucket(PAIR_RATE), usedAt: now, ends };
    this.#hops.set(ends[0], { to: target.link, channel: outward, pair });
    this.#hops.set(ends[1], { to: link, channel, pair });
    this.#sweepAt ??= (now + SWEEP_MSEC) as Instant;
    this.#parts.tell(target.link, { kind: 'relay-offer', channel: outward, key: from.key });
  }

  /** @returns The other side, or in words why not. */
  #pairFor(now: Instant, link: LinkId, channel: number, key: Uint8Array) {
    const from = this.#parts.byLink(link);
    const policy = this.#parts.policy();
    const bucket = this.#requests.get(link) ?? new TokenBucket(REQUEST_RATE);
    this.#requests.set(link, bucket);
    if (from === undefined || !bucket.take(now)) return 'too many requests';
    if (policy === 'off') return 'no relaying here';
    if (policy === 'peers' && !from.isPeer) return 'relaying for peers only';
    if (from.isRelayed) return 'no relay over a relay';
    const isOurs = channel % 2 === (this.#parts.isOdd(link) ? 1 : 0);
    if (isOurs || this.#hops.has(nameOf(link, channel))) return 'this channel is not yours to open';
    const target = [...this.#parts.links()].find((one) => toHex(one.key) === toHex(key));
    if (target === undefined || !target.isUp || target.link === link)
      return 'that node is not here';
    if (target.isRelayed) return 'no relay over a relay';
    if (policy === 'peers' && !target.isPeer) return 'relaying for peers only';
    const outward = this.#newChannel(target.link);
    const isFull = this.#hops.size >= 2 * PAIRS_MAX || this.#countOf(link) >= CHANNELS_PER_LINK_MAX;
    if (outward === undefined || isFull) return 'too many pairs';
    return { target, from, outward };
  }

  #countOf(link: LinkId): number {
    return [...this.#hops.values()].filter(({ to }) => to === link).length;
  }

  #onOffer(
    now: Instant,
    link: LinkId,
    { channel, key }: { channel: number; key: Uint8Array },
  ): void {
    const relay = this.#parts.byLink(link);
    const count = [...this.#ends.values()].filter((end) => end.link === link).length;
    const isOurs = channel % 2 === (this.#parts.isOdd(link) ? 1 : 0);
    const isGood =
      relay !== undefined &&
      !isOurs &&
      !relay.isRelayed &&
      count < CHANNELS_PER_LINK_MAX &&
      !this.#ends.has(nameOf(link, channel)) &&
      this.#addEnd(now, { link, channel, node: relay.node }, key);
    if (!isGood) this.#parts.tell(link, { kind: 'relay-close', channel, reason: 'not wanted' });
  }

  /** @param tells The other side of this link does not know yet. */
  #close(name: ChannelName, reason: string, tells: boolean): void {
    const end = this.#ends.get(name);
    if (end !== undefined) {
      this.#dropEnd(end);
      this.#parts.closed(end.endpoint, reason);
    }
    const hop = this.#hops.get(name);
    if (hop === undefined) return;
    for (const other of hop.pair.ends) {
      const [link = 0, channel = 0] = other.split('/').map(Number);
      this.#hops.delete(other);
      if (other === name && !tells) continue;
      this.#parts.tell(link as LinkId, { kind: 'relay-close', channel, reason });
    }
  }

  /** A link is down: what went over it is closed, and the others are told. */
  handleDown(link: LinkId): void {
    this.#requests.delete(link);
    const names = [...this.#ends.keys(), ...this.#hops.keys()];
    for (const name of names.filter((one) => one.startsWith(`${link}/`))) {
      this.#close(name, 'the relay lost a link', false);
    }
  }

  // Frames

  /** @param payload Of type `RELAY_TYPE`, from an authenticated link. */
  handleFrame(now: Instant, link: LinkId, payload: Uint8Array): void {
    if (payload.length <= HEAD_BYTES) {
      this.#drop();
      return;
    }
    const channel = new DataView(payload.buffer, payload.byteOffset).getUint32(1);
    const name = nameOf(link, channel);
    const hop = this.#hops.get(name);
    const end = this.#ends.get(name);
    if (hop !== undefined) this.#forward(now, hop, payload);
    else if (end === undefined) this.#drop();
    else this.#parts.received(end.endpoint, payload.slice(HEAD_BYTES));
  }

  #forward(now: Instant, { to, channel, pair }: Hop, payload: Uint8Array): void {
    const { length } = payload;
    if (!pair.bucket.take(now, length) || !this.#total.take(now, length)) {
      this.#drop();
      return;
    }
    pair.usedAt = now;
    this.#counters.packets++;
    this.#counters.bytes += length;
    this.#parts.carry(to, framed(channel, payload.subarray(HEAD_BYTES)));
  }

  #drop(): void {
    this.#counters.drops++;
  }

  handleTimeout(now: Instant): void {
    if (this.#sweepAt === undefined || now < this.#sweepAt) return;
    for (const [name, { pair }] of [...this.#hops]) {
      if (this.#hops.has(name) && now - pair.usedAt >= IDLE_MSEC) this.#close(name, 'idle', true);
    }
    this.#sweepAt = this.#hops.size === 0 ? undefined : ((now + SWEEP_MSEC) as Instant);
  }
}

function framed(channel: number, datagram: Uint8Array): Uint8Array {
  const payload = new Uint8Array(HEAD_BYTES + datagram.length);
  payload[0] = RELAY_TYPE;
  new DataView(payload.buffer).setUint32(1, channel);
  payload.set(datagram, HEAD_BYTES);
  return payload;
}
