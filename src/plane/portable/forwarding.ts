/**
 * Where inner packets go. From a link: proven link → no martian → the source may come from there → ours (TUN), or hop
 * limit → FIB → no loop → transit allowed → fits → the next link. From the TUN: no martian → our own source → FIB → fits →
 * link. The first check that fails drops the packet, counts it, and perhaps tells its source in ICMPv6.
 */
import { prefixBytes, prefixLength } from '../../base/ip6.js';
import type { Instant } from '../../base/time.js';
import type { LinkId } from '../../link/types.js';
import { TokenBucket } from '../../noise/flood.js';
import { type Fib, type FibEntry, LOCAL, type NextHop, NO_ROUTE } from '../fib.js';
import {
  ADDRESS_UNREACHABLE,
  ADMINISTRATIVELY_PROHIBITED,
  HOP_LIMIT_EXCEEDED,
  type Icmp6Error,
  mayAnswer,
  NO_ROUTE_TO_DESTINATION,
  TOO_BIG,
  writeError,
} from '../icmp6.js';
import {
  IP6_DESTINATION,
  IP6_HOP_LIMIT,
  IP6_MTU_MIN,
  IP6_SOURCE,
  ipVersion,
  isMartian,
  packetLength,
} from '../ip6.js';
import type { DropReason, PlaneCommand, TunPort } from '../types.js';
import type { Drops } from './drops.js';
import type { Link } from './link.js';
import type { Outbox } from './outbox.js';
import type { Outgoing } from './outgoing.js';
import { Pongs } from './pongs.js';

/** Ours, for RFC 4443 §2.4 f: ICMPv6 errors a second, and at once. */
const ICMP6_ERRORS_PER_SEC = 100;
const ICMP6_ERRORS_BURST = 50;

/** First 7 bits of every address of ALANET: fc00::/7. */
const OUR_SPACE = 0xfc;
const SERVICE_SPACE = 0xfc;
const PREFIX_BYTES = 8;

interface ForwardingParts {
  readonly fib: Fib;
  readonly links: ReadonlyMap<LinkId, Link>;
  readonly tun: TunPort;
  readonly drops: Drops;
  readonly outbox: Outbox;
  readonly outgoing: Outgoing;
}

type LocalSettings = Extract<PlaneCommand, { kind: 'local' }>;

export class Forwarding {
  readonly #parts: ForwardingParts;
  readonly #pongs = new Pongs();
  readonly #icmpTokens = new TokenBucket(ICMP6_ERRORS_PER_SEC, ICMP6_ERRORS_BURST);
  readonly #icmp = new Uint8Array(IP6_MTU_MIN);
  /** Our node address, 16 bytes; undefined until told. */
  #own: Uint8Array | undefined;
  #locals: readonly FibEntry[] = [];
  #transit = false;

  constructor(parts: ForwardingParts) {
    this.#parts = parts;
  }

  configure(settings: LocalSettings, own: Uint8Array): void {
    const { fib } = this.#parts;
    for (const entry of this.#locals) fib.delete(entry);
    const host: FibEntry = { address: own, length: 128, layer: 'local' };
    const prefixes = settings.prefixes.map(
      (prefix): FibEntry => ({
        address: prefixBytes(prefix),
        length: prefixLength(prefix),
        layer: 'local',
      }),
    );
    this.#locals = [host, ...prefixes];
    for (const entry of this.#locals) fib.set(entry, LOCAL);
    this.#own = own;
    this.#transit = settings.transit;
  }

  /** @param packet Exactly one IPv6 packet; its hop limit may be changed. */
  fromLink(now: Instant, link: Link, packet: Uint8Array): void {
    const refusal = this.#refusal(link, packet);
    if (refusal !== undefined) this.#parts.drops.count(refusal);
    else this.#forward(now, link, packet);
  }

  /** The kernel was the first router, so the hop limit stays. @param packet Not changed. */
  fromTun(now: Instant, packet: Uint8Array): void {
    const exact = this.#ownPacket(packet);
    if (exact !== undefined) this.#fromHere(now, exact, false);
  }

  /** Our control code's packet; answers to its echo come up as `pong`. */
  inject(now: Instant, packet: Uint8Array): void {
    const exact = this.#ownPacket(packet);
    if (exact === undefined) return;
    this.#pongs.expect(now, exact);
    this.#fromHere(now, exact, true);
  }

  /** Why a packet that came over a link goes no further; undefined when it may. */
  #refusal(link: Link, packet: Uint8Array): DropReason | undefined {
    if (!link.carriesPackets) return 'unproven-link';
    if (isMartian(packet, IP6_SOURCE)) return 'martian-source';
    if (isMartian(packet, IP6_DESTINATION)) return 'martian-destination';
    return this.#maySend(link, packet) ? undefined : 'wrong-source';
  }

  #maySend(link: Link, packet: Uint8Array): boolean {
    const { fib } = this.#parts;
    const route = fib.lookup(packet, IP6_SOURCE);
    if (link.prefixes !== undefined) return route === link.id;
    if (route === LOCAL) return false;
    const first = packet[IP6_SOURCE] as number;
    if (link.sourceCheck === 'routed') return (first & 0xfe) === OUR_SPACE && route !== NO_ROUTE;
    if (first === SERVICE_SPACE) return fib.lookupHost(packet, IP6_SOURCE) === link.id;
    return link.peer !== undefined && isWithin(link.peer, packet);
  }

  /** The packet without anything behind it, if it is one that may leave this node; else it is counted. */
  #ownPacket(packet: Uint8Array): Uint8Array | undefined {
    const { drops, fib } = this.#parts;
    const length = packetLength(packet, packet.length);
    if (length < 0) drops.count(ipVersion(packet) === 6 ? 'malformed' : 'not-ip6');
    else if (isMartian(packet, IP6_SOURCE)) drops.count('martian-source');
    else if (isMartian(packet, IP6_DESTINATION)) drops.count('martian-destination');
    else if (fib.lookup(packet, IP6_SOURCE) !== LOCAL) drops.count('wrong-source');
    else return length === packet.length ? packet : packet.subarray(0, length);
    return undefined;
  }

  #forward(now: Instant, from: Link, packet: Uint8Array): void {
    const hop = this.#parts.fib.lookup(packet, IP6_DESTINATION);
    const out = this.#linkOf(hop);
    const hopLimit = packet[IP6_HOP_LIMIT] as number;
    if (hop === LOCAL) this.#deliver(now, packet);
    else if (hopLimit <= 1) this.#refuse(now, packet, 'hop-limit', HOP_LIMIT_EXCEEDED);
    else if (out === undefined) this.#refuse(now, packet, 'no-route', NO_ROUTE_TO_DESTINATION);
    else if (out === from) this.#parts.drops.count('loop');
    else if (!this.#transit) this.#refuse(now, packet, 'no-transit', ADMINISTRATIVELY_PROHIBITED);
    else if (this.#mayLeave(now, out, packet)) {
      packet[IP6_HOP_LIMIT] = hopLimit - 1;
      this.#parts.outgoing.send(now, out, packet);
    }
  }

  #fromHere(now: Instant, packet: Uint8Array, isInjected: boolean): void {
    const hop = this.#parts.fib.lookup(packet, IP6_DESTINATION);
    const out = this.#linkOf(hop);
    if (hop === LOCAL) {
      this.#toSelf(now, packet, isInjected);
    } else if (out === undefined) {
      this.#refuse(now, packet, 'no-route', NO_ROUTE_TO_DESTINATION);
    } else if (this.#mayLeave(now, out, packet)) {
      this.#parts.outgoing.send(now, out, packet);
    }
  }

  #linkOf(hop: NextHop): Link | undefined {
    return hop === NO_ROUTE || hop === LOCAL ? undefined : this.#parts.links.get(hop);
  }

  /**
   * The kernel sends us what it knows no host for in our own prefix: RFC 4443 §3.1 has code 3 for that. An echo of our
   * own control code is answered here: the kernel's answer would never leave the kernel.
   */
  #toSelf(now: Instant, packet: Uint8Array, isInjected: boolean): void {
    const reply = isInjected ? this.#pongs.answerOwn(packet) : undefined;
    if (reply !== undefined) this.#parts.outbox.push({ kind: 'pong', packet: reply });
    else if (isInjected) this.#deliver(now, packet);
    else this.#refuse(now, packet, 'loop', ADDRESS_UNREACHABLE);
  }

  #mayLeave(now: Instant, out: Link, packet: Uint8Array): boolean {
    if (!out.carriesPackets) {
      this.#parts.drops.count('unproven-link');
      return false;
    }
    if (packet.length <= out.mtu) return true;
    this.#refuse(now, packet, 'too-big', { ...TOO_BIG, word: out.mtu });
    return false;
  }

  #deliver(now: Instant, packet: Uint8Array): void {
    if (this.#pongs.isAnswer(now, packet)) {
      this.#parts.outbox.push({ kind: 'pong', packet: packet.slice() });
    } else if (!this.#parts.tun.write(packet)) {
      this.#parts.drops.count('tun-full');
    }
  }

  #refuse(
    now: Instant,
    packet: Uint8Array,
    reason: DropReason,
    error: Icmp6Error & { readonly word?: number },
  ): void {
    this.#parts.drops.count(reason);
    if (this.#own === undefined || !mayAnswer(packet) || !this.#icmpTokens.take(now)) return;
    const length = writeError(this.#icmp, error, this.#own, packet);
    this.#originate(now, this.#icmp.subarray(0, length));
  }

  /** A packet of our own making; nothing is ever said about it. */
  #originate(now: Instant, packet: Uint8Array): void {
    const hop = this.#parts.fib.lookup(packet, IP6_DESTINATION);
    const out = this.#linkOf(hop);
    if (hop === LOCAL) this.#deliver(now, packet);
    else if (out === undefined) this.#parts.drops.count('no-route');
    else if (!out.carriesPackets) this.#parts.drops.count('unproven-link');
    else this.#parts.outgoing.send(now, out, packet);
  }
}

/** Whether the packet's source lies in the node's /64. */
function isWithin(node: Uint8Array, packet: Uint8Array): boolean {
  for (let i = 0; i < PREFIX_BYTES; i++) {
    if (node[i] !== packet[IP6_SOURCE + i]) return false;
  }
  return true;
}
