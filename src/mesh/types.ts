/** What a `Mesh` takes and gives: plain data, so that a run can be recorded and replayed. */

import type { Crypto } from '../base/crypto.js';
import type { Entropy } from '../base/entropy.js';
import type { NodeId } from '../base/ip6.js';
import type { WallClock } from '../base/time.js';
import type { LinkEvent, LinkId } from '../link/types.js';
import type { NoiseTiming } from '../noise/timing.js';
import type { LinkCounters, PathId, PathInfo, PlaneCommand, RawPrefix } from '../plane/types.js';
import type { SignedRecord } from '../wire/types.js';
import type { Invite, InviteSecret } from './invites.js';
import type { RelayPolicy } from './relay.js';

export interface MeshIdentity {
  readonly id: NodeId;
  /** X25519, 32 bytes. */
  readonly noisePrivateKey: Uint8Array;
  /** The newest signed record; asked for each Hello, so that it may be renewed meanwhile. */
  nodeRecord(): SignedRecord;
}

export interface MeshConfig {
  /** Silence after data was sent that starts fast probes. */
  readonly probeIntervalMsec: number;
  /** This many intervals of silence: the path is dead. */
  readonly probeCount: number;
  /** A link without traffic is probed this often; also holds NAT mappings. */
  readonly idleProbeMsec: number;
  /** Who may have us carry datagrams; undefined: relays are neither offered nor used. */
  readonly relay?: RelayPolicy;
  /** Shortened in tests only. */
  readonly timing?: Partial<NoiseTiming>;
}

export interface MeshOptions {
  readonly crypto: Crypto;
  readonly entropy: Entropy;
  readonly wall: WallClock;
  readonly realm: string;
  /** Leading zero bits that a node's proof needs here. */
  readonly work: number;
  readonly identity: MeshIdentity;
  /** A hint for people, at most 63 bytes of UTF-8. */
  readonly name: string;
  readonly config?: Partial<MeshConfig>;
  /** AES-256-GCM is offered to peers of ours: see `NoiseDeviceOptions`. */
  readonly aes?: boolean;
  /** The plane has a gate for handshakes: see `NoiseDeviceOptions`. */
  readonly gated?: boolean;
  /** The plane's view of a link, read at once. @returns false for an unknown link. */
  readonly readLink: (link: LinkId, into: LinkCounters) => boolean;
}

/** A beacon that arrived by multicast or unicast. */
export interface Beacon {
  /** The interface's name, as in `set-interfaces`. */
  readonly interface: string;
  /** The sender's link-local address as text, without brackets; a zone is ignored: `fe80::1`. */
  readonly source: string;
  readonly bytes: Uint8Array;
}

/** The answer to an `open` output. */
export type PathOpened =
  | { readonly request: number; readonly path: PathInfo }
  | { readonly request: number; readonly error: string };

export interface PeerSpec {
  /** X25519, 32 bytes. */
  readonly key: Uint8Array;
  readonly name?: string;
  /** `udp://192.0.2.1:4242`, at most 16. */
  readonly endpoints: readonly string[];
  /** When known: another node behind this key is refused. */
  readonly id?: NodeId;
  /** 32 bytes. */
  readonly presharedKey?: Uint8Array;
  /** A plain WireGuard peer: it gets packets of these prefixes and no control payload. */
  readonly stock?: { readonly prefixes: readonly RawPrefix[]; readonly keepaliveMsec?: number };
  /** Shown in our Hello: this peer invited us. */
  readonly invite?: InviteSecret;
}

export type MeshCommand =
  /** A key that is a peer already gets the new name and endpoints, and keeps its link. */
  | { readonly kind: 'add-peer'; readonly peer: PeerSpec }
  | { readonly kind: 'remove-peer'; readonly key: Uint8Array }
  /** No longer dialed; its link stays until it goes down by itself. For keys of `set-known`. */
  | { readonly kind: 'release-peer'; readonly key: Uint8Array }
  /** Those who may come without being dialed, by key in hex; whoever came and is not among them any more must go. */
  | { readonly kind: 'set-known'; readonly peers: ReadonlyMap<string, PeerSpec> }
  /** Own endpoints that peers are told of (at most 16), and the UDP port that beacons name (0: no beacons). */
  | {
      readonly kind: 'set-candidates';
      readonly candidates: readonly string[];
      readonly port: number;
    }
  /** All interfaces with discovery on, now; a new one gets a beacon at once. */
  | { readonly kind: 'set-interfaces'; readonly names: readonly string[] }
  /** Every invitation that strangers may come with, and those that were used or revoked lately. */
  | { readonly kind: 'set-invites'; readonly invites: readonly Invite[] }
  /** Says goodbye on every link and forgets all keys. */
  | { readonly kind: 'shutdown'; readonly reason: string };

export type MeshAnswer =
  | { readonly ok: true; readonly link: LinkId | undefined }
  | { readonly ok: false; readonly error: string };

/** Multicast to ff02::… on the interface, or unicast when `address` is given. */
export interface BeaconOutput {
  readonly kind: 'beacon';
  readonly interface: string;
  readonly address: string | undefined;
  readonly bytes: Uint8Array;
}

export type LinkState = 'down' | 'handshaking' | 'up';

/** For `monitor`; the engine adds the time. */
export type MeshEvent =
  | {
      readonly kind: 'link';
      readonly link: LinkId;
      /** Node address as text, or the key in hex while the node is not proven. */
      readonly peer: string;
      readonly name: string;
      readonly state: LinkState;
      /** Why it went down; `path` when only the path changed. */
      readonly reason: string;
      /** Remote endpoint in use. */
      readonly path: string | null;
    }
  | {
      readonly kind: 'log';
      readonly level: 'info' | 'warn' | 'error';
      readonly message: string;
    };

/** Of a relay's channel: a datagram that came, or that it is no more. */
export type RelayOutput =
  | { readonly kind: 'relayed'; readonly endpoint: string; readonly datagram: Uint8Array }
  | { readonly kind: 'relay-closed'; readonly endpoint: string; readonly reason: string };

/** A stranger came with a good invitation. Its link stays; whoever runs the mesh makes it a peer with `add-peer`. */
export interface Joined {
  readonly kind: 'joined';
  readonly invite: Uint8Array;
  /** X25519, 32 bytes. */
  readonly key: Uint8Array;
  readonly id: NodeId;
  readonly name: string;
  /** What it says of itself, and where it was seen. */
  readonly endpoints: readonly string[];
}

export type MeshOutput =
  | { readonly kind: 'plane'; readonly command: PlaneCommand }
  | { readonly kind: 'link'; readonly event: LinkEvent }
  /** Open a path; answered by `handlePathOpened` with the same number. */
  | { readonly kind: 'open'; readonly request: number; readonly endpoint: string }
  | { readonly kind: 'release'; readonly path: PathId }
  | BeaconOutput
  | RelayOutput
  | Joined
  | { readonly kind: 'event'; readonly event: MeshEvent };

/** One path of the `links` document. */
export interface PathRow {
  /** 0 while it is not open. */
  readonly id: number;
  readonly transport: string;
  readonly local: string | null;
  readonly remote: string;
  readonly relayed: boolean;
  readonly via: string | null;
  /** new: never tried; opening; trying; proven: answered lately; failed. */
  readonly state: string;
  /** How the last try ended, in words. */
  readonly lastResult: string;
  /** config, hello, beacon or seen. */
  readonly source: string;
  readonly rttMsec: number | null;
  readonly datagramBytesMax: number;
}

/** One row of the `links` document (CLI.md); absolute times are epoch milliseconds. */
export interface LinkRow {
  readonly link: LinkId;
  /** Node address as text, or the key in base64url while the node is not proven. */
  readonly peer: string;
  readonly name: string;
  readonly state: LinkState;
  readonly path: PathRow | null;
  readonly paths: readonly PathRow[];
  readonly rttMsec: number | null;
  readonly rttMinMsec: number | null;
  /** 0..1, of the worse direction. */
  readonly loss: number;
  readonly rxBytes: number;
  readonly txBytes: number;
  readonly lastHandshakeAt: number | null;
  readonly upSinceAt: number | null;
  readonly mtu: number;
  /** Of transport data, as the last handshake agreed; null before the first. */
  readonly cipher: string | null;
  readonly lastError: string;
}

/** One row of `peer list`. */
export interface PeerRow {
  /** base64url. */
  readonly key: string;
  readonly name: string;
  /** Node address as text once proven, else null. */
  readonly address: string | null;
  readonly source: 'configured' | 'known' | 'discovered' | 'guest';
  readonly stock: boolean;
  readonly endpoints: readonly string[];
  readonly state: LinkState;
  readonly link: LinkId;
  /** Our endpoint as this peer sees it, empty while unknown. */
  readonly observed: string;
}

/** Counted drops, by reason. */
export type MeshCounters = Record<
  | 'strangers'
  | 'malformedControl'
  | 'malformedMessages'
  | 'controlFlood'
  | 'staleSegments'
  | 'malformedBeacons'
  | 'foreignBeacons'
  | 'beaconFlood'
  | 'refusedHellos'
  | 'refusedInvites',
  number
>;

export const MESH_DEFAULTS: MeshConfig = {
  probeIntervalMsec: 1000,
  probeCount: 3,
  idleProbeMsec: 25_000,
};
