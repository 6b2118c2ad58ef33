/** What the plane contract needs of a plane under test, and peers, packets and a small network to test it with. */
import { readU32le, writeU16, writeU32le } from '../../../src/base/bytes.js';
import type { AeadKey } from '../../../src/base/crypto.js';
import { addressBytes, type NodeId, type Prefix, prefixOfNode } from '../../../src/base/ip6.js';
import type { Instant } from '../../../src/base/time.js';
import type { LinkId } from '../../../src/link/types.js';
import type {
  Keypair,
  LinkCounters,
  PathId,
  PathInfo,
  Plane,
  PlaneCommand,
  PlaneEvent,
} from '../../../src/plane/types.js';
import { nodeCrypto } from '../../../src/platform/crypto.js';

export const crypto = nodeCrypto();

export interface Sent {
  readonly path: PathId;
  readonly datagram: Uint8Array;
}

/** A plane whose transports and TUN are lists. */
export interface PlaneUnderTest {
  readonly plane: Plane;
  /** Datagrams that arrived on a path; ends the pass. */
  receive(now: Instant, path: PathInfo, datagrams: readonly Uint8Array[]): void;
  /** Packets that the kernel sent; ends the pass. */
  fromTun(now: Instant, packets: readonly Uint8Array[]): void;
  /** Commands; ends the pass. */
  apply(now: Instant, commands: readonly PlaneCommand[]): void;
  pathFailed(now: Instant, path: PathInfo, failure: 'closed' | 'unreachable' | 'too-big'): void;
  /** What came out since the last call, as copies, in order. */
  takeSent(): Sent[];
  takeTun(): Uint8Array[];
  takeEvents(): PlaneEvent[];
  /** From now on transports and TUN take nothing, or everything again. */
  setBlocked(blocked: boolean): void;
}

export type MakePlane = (pathInfo: (id: PathId) => PathInfo | undefined) => PlaneUnderTest;

export const link = (n: number): LinkId => n as LinkId;
export const at = (msec: number): Instant => msec as Instant;
/** A node address whose /64 has the number n. */
export const node = (n: number): NodeId =>
  `fd0000000000${n.toString(16).padStart(4, '0')}00000000000000${n.toString(16).padStart(2, '0')}` as NodeId;
export const service = (n: number): Prefix => `fc${n.toString(16).padStart(30, '0')}/128` as Prefix;
export const net = (n: number): Prefix => prefixOfNode(node(n));
export const serviceAddress = (n: number): Uint8Array =>
  addressBytes(service(n).slice(0, 32) as NodeId);

export function path(n: number, maxDatagramBytes = 65_507): PathInfo {
  const remote = `test://${n}`;
  const fixed = { transport: 'test', local: null, relayed: false, via: null, reliable: false };
  return { id: n as PathId, remote, maxDatagramBytes, ...fixed };
}

export interface PacketSpec {
  readonly source: Uint8Array | NodeId;
  readonly destination: Uint8Array | NodeId;
  readonly hopLimit?: number;
  readonly protocol?: number;
  readonly payload?: Uint8Array;
  /** Total length; the payload is filled up with a pattern. */
  readonly bytes?: number;
}

export function packet(spec: PacketSpec): Uint8Array {
  const payload = spec.payload ?? pattern((spec.bytes ?? 60) - 40);
  const out = new Uint8Array(40 + payload.length);
  out[0] = 0x60;
  writeU16(out, 4, payload.length);
  out[6] = spec.protocol ?? 17;
  out[7] = spec.hopLimit ?? 64;
  out.set(bytesOf(spec.source), 8);
  out.set(bytesOf(spec.destination), 24);
  out.set(payload, 40);
  return out;
}

export const bytesOf = (address: Uint8Array | NodeId): Uint8Array =>
  typeof address === 'string' ? addressBytes(address) : address;

export const pattern = (count: number): Uint8Array =>
  new Uint8Array(count).map((_, i) => (i * 7 + 3) & 0xff);

/** Echo request, or reply (129); the checksum is left to those who look at it. */
export function echo(spec: PacketSpec & { readonly identifier: number; readonly type?: number }) {
  const payload = new Uint8Array(16);
  payload[0] = spec.type ?? 128;
  writeU16(payload, 4, spec.identifier);
  return packet({ ...spec, protocol: 58, payload });
}

/** The other end of a link: seals and opens by WireGuard's rules, written apart from the plane. */
export class Peer {
  readonly keypair: Keypair;
  sent = 0;
  readonly #index: number;
  readonly #sendKey: AeadKey;
  readonly #receiveKey: AeadKey;

  /** @param number Makes indices and keys different; `initiator` is the plane's role. */
  constructor(number: number, options: Partial<Keypair> = {}) {
    const [ours, theirs] = [key(2 * number), key(2 * number + 1)];
    this.#index = 0x8000_0000 + number;
    this.keypair = {
      localIndex: 0xfff0_0000 + number,
      remoteIndex: this.#index,
      sendKey: ours,
      receiveKey: theirs,
      initiator: true,
      createdAt: at(1000),
      rejectAfterMsec: 180_000,
      ...options,
    };
    this.#sendKey = crypto.aeadKey(theirs);
    this.#receiveKey = crypto.aeadKey(ours);
  }

  /** A datagram for the plane; padded like WireGuard's unless it is a control payload. */
  seal(payload: Uint8Array, counter = this.sent++): Uint8Array {
    const isIp = (payload[0] ?? 0) >> 4 === 6;
    const padded = new Uint8Array(isIp ? (payload.length + 15) & ~15 : payload.length);
    padded.set(payload);
    const out = new Uint8Array(32 + padded.length);
    writeU32le(out, 0, 4);
    writeU32le(out, 4, this.keypair.localIndex);
    writeU32le(out, 8, counter % 2 ** 32);
    writeU32le(out, 12, Math.floor(counter / 2 ** 32));
    this.#sendKey.seal(counter, padded, out, 16);
    return out;
  }

  /** @returns undefined when the datagram is not for us or not authentic. */
  open(datagram: Uint8Array): { payload: Uint8Array; counter: number } | undefined {
    if (readU32le(datagram, 0) !== 4 || readU32le(datagram, 4) !== this.#index) return undefined;
    const counter = readU32le(datagram, 8) + readU32le(datagram, 12) * 2 ** 32;
    const payload = new Uint8Array(datagram.length - 32);
    const isRight = this.#receiveKey.open(counter, datagram.subarray(16), payload, 0);
    return isRight ? { payload, counter } : undefined;
  }
}

const key = (n: number): Uint8Array => new Uint8Array(32).fill(n + 1);

/**
 * Node 1 under test. Link 2 goes to node 2 on path 2, link 3 to node 3 on path 3, with keys that we initiated; routes
 * to net 2 over link 2, to nets 3 and 4 over link 3.
 */
export class Bench {
  now = at(2000);
  readonly paths = new Map([1, 2, 3, 4].map((n) => [n as PathId, path(n)]));
  readonly unit: PlaneUnderTest;
  readonly peers = new Map<number, Peer>();

  constructor(make: MakePlane, options: { readonly transit?: boolean } = {}) {
    this.unit = make((id) => this.paths.get(id));
    this.apply(
      {
        kind: 'local',
        address: node(1),
        prefixes: [net(1), service(1)],
        transit: options.transit ?? true,
      },
      this.link(2),
      this.link(3),
      {
        kind: 'fib',
        changes: [
          { kind: 'set', prefix: net(2), link: link(2) },
          { kind: 'set', prefix: net(3), link: link(3) },
          { kind: 'set', prefix: net(4), link: link(3) },
        ],
      },
    );
    this.key(2, new Peer(2));
    this.key(3, new Peer(3));
    this.unit.takeEvents();
  }

  link(n: number, over: Partial<Extract<PlaneCommand, { kind: 'link' }>> = {}): PlaneCommand {
    const usual = { path: n as PathId, datagramBytesMax: 1452, mtu: 1420, peer: node(n) };
    return { kind: 'link', link: link(n), sourceCheck: 'routed', ...usual, ...over };
  }

  key(n: number, peer: Peer): Peer {
    this.peers.set(n, peer);
    this.apply({ kind: 'keypair', link: link(n), keypair: peer.keypair });
    return peer;
  }

  peer(n: number): Peer {
    const peer = this.peers.get(n);
    if (peer === undefined) throw new Error(`no peer ${n}`);
    return peer;
  }

  apply(...commands: PlaneCommand[]): void {
    this.unit.apply(this.now, commands);
  }

  tun(...packets: Uint8Array[]): void {
    this.unit.fromTun(this.now, packets);
  }

  /** Inner payloads from a peer, on the path of that number. */
  from(n: number, ...payloads: Uint8Array[]): void {
    this.raw(n, ...payloads.map((payload) => this.peer(n).seal(payload)));
  }

  raw(n: number, ...datagrams: Uint8Array[]): void {
    this.unit.receive(this.now, this.paths.get(n as PathId) ?? path(n), datagrams);
  }

  /** What a peer got, opened, still padded. */
  got(n: number): Uint8Array[] {
    const payloads: Uint8Array[] = [];
    for (const { datagram } of this.unit.takeSent()) {
      const opened = this.peer(n).open(datagram);
      if (opened !== undefined) payloads.push(opened.payload);
    }
    return payloads;
  }

  /** The same without padding. */
  gotPackets(n: number): Uint8Array[] {
    return this.got(n).map((p) => p.subarray(0, 40 + ((p[4] ?? 0) << 8) + (p[5] ?? 0)));
  }

  counters(n: number): LinkCounters {
    const into = {} as LinkCounters;
    if (!this.unit.plane.readLink(link(n), into)) throw new Error(`no link ${n}`);
    return into;
  }

  dropped(reason: string): number {
    return this.unit.plane.drops()[reason] ?? 0;
  }

  /** Kinds of the events since the last call. */
  kinds(): string[] {
    return this.unit.takeEvents().map((event) => event.kind);
  }
}
