/**
 * The forwarding plane: it moves packets and nothing else. Two implementations of this one interface: *portable*
 * (TypeScript, the reference) and *native* (Rust). Keys, endpoints and routes are installed from above as plain-data
 * commands, in batches; handshakes, control payloads and exceptions go up as plain-data events, in bounded batches.
 * Nothing per packet passes through control code.
 */
import type { AeadCipher } from '../base/crypto.js';
import type { NodeId, Prefix } from '../base/ip6.js';
import type { Instant } from '../base/time.js';
import type { LinkId } from '../link/types.js';

/** Names one transport path inside this router. Given by the plane's host, never reused while the router runs. */
export type PathId = number & { readonly brand: 'PathId' };

/** What mesh may know of a path. */
export interface PathInfo {
  readonly id: PathId;
  readonly transport: string;
  readonly local: string | null;
  readonly remote: string;
  readonly relayed: boolean;
  readonly via: string | null;
  readonly reliable: boolean;
  readonly maxDatagramBytes: number;
}

/** Which inner sources a link may send: any that has a route, or only the peer's own (a peer that gives no transit). */
export type SourceCheck = 'routed' | 'own';

/** A WireGuard keypair as the handshake made it. Indices are the wire's u32. */
export interface Keypair {
  readonly localIndex: number;
  readonly remoteIndex: number;
  readonly sendKey: Uint8Array;
  readonly receiveKey: Uint8Array;
  /** The initiator may send at once; a responder only after the first packet arrives under it. */
  readonly initiator: boolean;
  readonly createdAt: Instant;
  /** REKEY_AFTER_TIME or REJECT_AFTER_TIME as configured, ms; the plane never uses a key older than `rejectAfterMsec`. */
  readonly rejectAfterMsec: number;
  /** Default: WireGuard's ChaCha20-Poly1305. */
  readonly cipher?: AeadCipher;
}

export type FibChange =
  | { readonly kind: 'set'; readonly prefix: Prefix; readonly link: LinkId }
  | { readonly kind: 'delete'; readonly prefix: Prefix };

export type PlaneCommand =
  /** Own addresses: the node's, its /64 (delivered to the TUN) and any service addresses. */
  | {
      readonly kind: 'local';
      readonly address: NodeId;
      readonly prefixes: readonly Prefix[];
      /** False: packets between two others are dropped (`transit = none`). */
      readonly transit: boolean;
    }
  | {
      readonly kind: 'link';
      readonly link: LinkId;
      /** Where sealed datagrams go; undefined while there is none. */
      readonly path: PathId | undefined;
      /** Largest datagram that the path carries, bytes of UDP payload; bigger sealed packets ≤ 1280 inner are split. */
      readonly datagramBytesMax: number;
      /** Largest inner packet before packet-too-big, ≥ 1280. */
      readonly mtu: number;
      readonly sourceCheck: SourceCheck;
      /** The peer's node id once proven; undefined: only control payloads pass. A stock WireGuard peer has `prefixes`. */
      readonly peer: NodeId | undefined;
      /** Stock WireGuard peers only: inner sources and destinations that are theirs, in hex prefix form of any length. */
      readonly prefixes?: readonly RawPrefix[];
    }
  | { readonly kind: 'remove-link'; readonly link: LinkId }
  | { readonly kind: 'keypair'; readonly link: LinkId; readonly keypair: Keypair }
  /** Forget all keys of the link (expired, peer removed); staged packets are dropped too. */
  | { readonly kind: 'wipe-keys'; readonly link: LinkId }
  | { readonly kind: 'fib'; readonly changes: readonly FibChange[] }
  /** Seals a control payload (first byte 0xA0…0xA2) or a keepalive (empty) ahead of data; `via` overrides the path. */
  | {
      readonly kind: 'send';
      readonly link: LinkId;
      readonly payload: Uint8Array;
      readonly via?: PathId;
    }
  /** Sends bytes as they are: handshake messages. */
  | { readonly kind: 'transmit'; readonly path: PathId; readonly datagram: Uint8Array }
  /** Emit `active` at the next inner packet that is sent or received on this link. */
  | { readonly kind: 'arm'; readonly link: LinkId }
  /**
   * Own packet (ping, trace) into the forwarding, as if it came from the TUN: its source must be ours. Answers to its
   * echo identifier come up as `pong` for 30 s.
   */
  | { readonly kind: 'inject'; readonly packet: Uint8Array };

export interface RawPrefix {
  readonly address: Uint8Array;
  readonly length: number;
}

export type PlaneEvent =
  /** WireGuard message types 1, 2 and 3 of plausible size, as received. */
  | { readonly kind: 'handshake'; readonly path: PathInfo; readonly datagram: Uint8Array }
  /** A control payload that a session authenticated. */
  | {
      readonly kind: 'control';
      readonly link: LinkId;
      readonly path: PathInfo;
      readonly payload: Uint8Array;
      /** Bytes of the sealed datagram that brought it (path MTU probes). */
      readonly datagramBytes: number;
    }
  /** First packet under a keypair that we made as responder, or under a new one of ours: it is confirmed. */
  | { readonly kind: 'confirmed'; readonly link: LinkId; readonly localIndex: number }
  /** An authenticated packet came on another path than the link's. Coalesced; mesh decides. */
  | { readonly kind: 'moved'; readonly link: LinkId; readonly path: PathInfo }
  /** See `arm`. */
  | { readonly kind: 'active'; readonly link: LinkId }
  /** There is something to send and no usable key: packets are staged. At most one per 5 s until a keypair is installed. */
  | { readonly kind: 'key-wanted'; readonly link: LinkId }
  /** The path's transport says that it failed. */
  | {
      readonly kind: 'path-failed';
      readonly path: PathInfo;
      readonly failure: 'closed' | 'unreachable' | 'too-big';
      readonly bytes?: number;
    }
  /** An ICMPv6 answer (echo reply, or an error that quotes our echo) to an injected packet. */
  | { readonly kind: 'pong'; readonly packet: Uint8Array };

/** Plain fields, read without allocation where the caller keeps the object. */
export interface LinkCounters {
  /** Authenticated datagrams and their bytes on the wire (payload of UDP), control included. */
  rxPackets: number;
  rxBytes: number;
  txPackets: number;
  txBytes: number;
  /** Inner IP packets only. */
  rxData: number;
  txData: number;
  /** Anything authenticated, keepalives included. 0 = never. */
  lastRxAt: Instant;
  lastTxAt: Instant;
  lastDataRxAt: Instant;
  lastDataTxAt: Instant;
  /** First data sent since anything was received; 0 = none since. */
  unansweredSinceAt: Instant;
  /**
   * Gaps in received counters, over all keys so far: what the other side sent and we never saw. One that comes late is
   * taken off again, so take differences over an interval and expect a small negative one.
   */
  rxLost: number;
  /** Messages sent under the current key; rekey is due near the limit. */
  keyMessages: number;
  /** Parts of split packets that were sent, and packets joined. */
  splitTx: number;
  joinedRx: number;
}

/** Why packets were dropped: name → count. Names are stable (docs/protocol.md §drops). */
export type DropReason =
  | 'malformed'
  | 'unknown-index'
  | 'bad-tag'
  | 'replayed'
  | 'key-expired'
  | 'not-ip6'
  | 'martian-source'
  | 'martian-destination'
  | 'wrong-source'
  | 'no-route'
  | 'hop-limit'
  | 'too-big'
  | 'no-transit'
  | 'loop'
  | 'staging-full'
  | 'no-path'
  /** A control payload or keepalive while there is no usable key. */
  | 'no-key'
  | 'send-failed'
  | 'tun-full'
  | 'unproven-link'
  | 'unknown-payload'
  | 'reassembly'
  | 'queue-full'
  | 'handshake-flood'
  /** An initiation without a cookie while there were many; it was answered with one. */
  | 'cookie-demanded'
  /** Marked on the way, and its sender does not know ECN (RFC 6040 §4.2). */
  | 'congested'
  /** The longest flow's, when more waited to be sealed than may. */
  | 'overlimit';

/** What waits to be sealed, in turns of its flows (RFC 8290). */
export interface QueueCounters {
  readonly bytes: number;
  /** The most that ever waited. */
  readonly bytesHigh: number;
  /** Packets that were marked (RFC 3168) instead of dropped. */
  readonly marked: number;
}

/** How a plane outside of JavaScript is. */
export interface PlaneHealth {
  /** Paused: it panicked too often, and waits before it moves packets again. */
  readonly state: 'running' | 'paused';
  /** Panics since the start that it went on after. */
  readonly panics: number;
  /** What was said of the last one. */
  readonly problem: string | null;
}

/** What control code needs of a plane, portable or native. */
export interface Plane {
  readonly kind: 'portable' | 'native';
  /** Applies commands in order. Never throws for what the network does. */
  apply(now: Instant, commands: readonly PlaneCommand[]): void;
  /** Fills `into`; @returns false for an unknown link. */
  readLink(link: LinkId, into: LinkCounters): boolean;
  /** Counts by reason; the object is the caller's copy. */
  drops(): Record<string, number>;
  /** Absent where nothing waits: a plane that hands everything on at once. */
  queue?(): QueueCounters;
  /** Absent for a plane that cannot be ill without the router. */
  health?(): PlaneHealth;
}

/** Packets into the TUN. The portable plane's other side; a native plane has its own. */
export interface TunPort {
  /** @returns false when the device took nothing (full or gone). The buffer is the caller's after the call. */
  write(packet: Uint8Array): boolean;
}

/** The portable plane's way to its transports. */
export interface PathPort {
  /** Sends a train in order on one path. @returns how many were taken. Buffers are the caller's after the call. */
  send(path: PathId, datagrams: readonly Uint8Array[]): number;
}
