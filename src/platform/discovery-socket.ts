/**
 * Beacons on the LAN: link-local multicast, one group on each interface. What comes in was sent on the same link: it has a
 * link-local source and a hop limit that no router has touched (RFC 5082). Nothing else about it is proven.
 */
import { parseAddress } from '../base/ip6.js';
import { AF_INET6, formatHost, isLinkLocal, parseSocketAddress } from '../posix/address.js';
import { SystemError } from '../posix/libc.js';
import { Watch } from '../posix/poller.js';
import {
  ENDS,
  ENDS_WORDS,
  type ReceiveArena,
  receiveArena,
  sendArena,
  UdpSocket,
} from '../posix/udp.js';

/** Ours: link-local scope (RFC 4291 §2.7), not registered. */
export const DISCOVERY_GROUP = 'ff02::a1a';
/** Ours. */
export const DISCOVERY_PORT = 4243;
/** Ours: a beacon is smaller than what every IPv6 link carries. */
const BEACON_BYTES_MAX = 1232;
/** RFC 5082 §3. */
const HOP_LIMIT = 255;
/** Ours: beacons taken before others get their turn. */
const DRAIN_BUDGET = 64;
/** Ours: interfaces that are joined. */
const INTERFACES_MAX = 256;
const RESUME_MSEC = 1000;

export interface BeaconSource {
  /** `fe80::1%eth1`: what `sendUnicast` takes. */
  readonly address: string;
  readonly interface: string;
}

export interface DiscoveryHandler {
  /** @param bytes Valid during the call only; 1..1232. */
  received(from: BeaconSource, bytes: Uint8Array): void;
  log(level: 'info' | 'warn', message: string): void;
}

/** Plain fields; read at any time. */
export interface DiscoveryCounters {
  /** Not from this link, from an interface that we left out, or too long. */
  receiveDropped: number;
  sendFailed: number;
}

export interface DiscoveryInterface {
  readonly name: string;
  readonly index: number;
}

export class DiscoverySocket {
  readonly counters: DiscoveryCounters = { receiveDropped: 0, sendFailed: 0 };
  readonly #handler: DiscoveryHandler;
  readonly #port: number;
  readonly #group: Uint8Array;
  readonly #socket: UdpSocket;
  readonly #watch: Watch;
  /** By index. */
  readonly #joined = new Map<number, string>();
  #closed = false;

  /** @param port Another than DISCOVERY_PORT is for tests. @throws SystemError. */
  constructor(handler: DiscoveryHandler, port = DISCOVERY_PORT) {
    const group = parseAddress(DISCOVERY_GROUP);
    this.#group = group.ok ? group.value : new Uint8Array(16);
    this.#handler = handler;
    this.#port = port;
    const any = { address: new Uint8Array(16), port, zone: 0 };
    this.#socket = new UdpSocket(any, { family: AF_INET6, dualStack: false, reuse: true });
    try {
      this.#socket.setHopLimit(HOP_LIMIT);
      this.#watch = new Watch(this.#socket.fd, {
        readable: () => this.#drain(),
        failed: () => {
          this.#socket.takeError();
          setTimeout(() => this.#watch.resume(), RESUME_MSEC).unref();
        },
      });
    } catch (error) {
      this.#socket.close();
      throw error;
    }
  }

  /** Joins and leaves until exactly these are joined; one that cannot be joined is logged and left out. */
  setInterfaces(interfaces: readonly DiscoveryInterface[]): void {
    const wanted = new Set(interfaces.map(({ index }) => index));
    for (const index of this.#joined.keys()) {
      if (wanted.has(index)) continue;
      this.#joined.delete(index);
      this.#socket.leave(this.#group, index);
    }
    for (const one of interfaces.slice(0, INTERFACES_MAX)) this.#join(one);
  }

  /** Sends to the group on one joined interface. @returns false when it could not. */
  sendTo(name: string, bytes: Uint8Array): boolean {
    for (const [index, joined] of this.#joined) {
      if (joined === name) return this.#send(this.#group, index, bytes);
    }
    return false;
  }

  /** @param address `fe80::1%eth1`, as in `BeaconSource`. @returns false when it could not. */
  sendUnicast(address: string, bytes: Uint8Array): boolean {
    const to = parseSocketAddress(`[${address}]:${this.#port}`);
    if (!to.ok || !isLinkLocal(to.value.address)) return false;
    return this.#send(to.value.address, to.value.zone, bytes);
  }

  /** Idempotent; nothing is called afterwards. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#watch.close();
    this.#socket.close();
    this.#joined.clear();
  }

  #join({ name, index }: DiscoveryInterface): void {
    if (this.#joined.has(index)) return;
    try {
      this.#socket.join(this.#group, index);
      this.#joined.set(index, name);
    } catch (error) {
      const code = error instanceof SystemError ? error.code : String(error);
      this.#handler.log('warn', `no discovery on ${name}: ${code}`);
    }
  }

  #send(to: Uint8Array, index: number, bytes: Uint8Array): boolean {
    if (this.#closed || bytes.length > BEACON_BYTES_MAX) return false;
    const ends = new Uint32Array(ENDS_WORDS);
    new Uint8Array(ends.buffer).set(to);
    ends[ENDS.remoteZone] = index;
    ends[ENDS.port] = this.#port;
    ends[ENDS.localZone] = index;
    const train = { ends, datagrams: [bytes], from: 0, segment: false };
    const sent = sendArena().send(this.#socket, train) === 1;
    if (!sent) this.counters.sendFailed++;
    return sent;
  }

  #drain(): void {
    const arena = receiveArena();
    for (let budget = DRAIN_BUDGET; budget > 0 && !this.#closed; ) {
      const slots = arena.receive(this.#socket);
      if (slots <= 0) return;
      budget -= slots;
      for (let slot = 0; slot < slots && !this.#closed; slot++) this.#take(arena, slot);
      if (!arena.full(slots)) return;
    }
  }

  #take(arena: ReceiveArena, slot: number): void {
    const length = arena.bytes(slot);
    const name = this.#joined.get(arena.interface(slot));
    const words = arena.ends(slot);
    const source = new Uint8Array(words.buffer, 0, 16);
    const fits = length > 0 && length <= BEACON_BYTES_MAX;
    if (!fits || name === undefined || !isLinkLocal(source) || arena.hopLimit(slot) !== HOP_LIMIT) {
      this.counters.receiveDropped++;
      return;
    }
    const zone = words[ENDS.remoteZone] ?? 0;
    const datagrams: Uint8Array[] = [];
    arena.datagrams(slot, datagrams);
    const address = formatHost({ address: source, port: 0, zone });
    for (const bytes of datagrams) this.#handler.received({ address, interface: name }, bytes);
  }
}
