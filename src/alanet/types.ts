/** What an `Alanet` takes and gives: plain data, so that a run can be recorded and replayed. */
import type { Crypto } from '../base/crypto.js';
import type { Entropy } from '../base/entropy.js';
import type { NodeId, Prefix } from '../base/ip6.js';
import type { Instant, WallClock } from '../base/time.js';
import type { LinkCommand, LinkId } from '../link/types.js';
import type { FibChange } from '../plane/types.js';
import type { Role, SignedRecord } from '../wire/types.js';
import type { LinkEntry } from './attest/subjects.js';

/** Whom this node carries packets for: everyone; those who happen to send; nobody. */
export type Transit = 'full' | 'stub' | 'none';

export interface AlanetIdentity {
  readonly id: NodeId;
  /** Ed25519 seed, 32 bytes, secret. */
  readonly seed: Uint8Array;
  /** The newest signed node record. */
  nodeRecord(now: Instant): SignedRecord;
}

export interface AlanetLimits {
  /** Routes accepted from one neighbor. */
  readonly routesMax: number;
  /** Records and path steps that one neighbor may have us remember. */
  readonly recordsMax: number;
  /** Bytes of received messages that wait to be processed, for one neighbor. */
  readonly inboxBytesMax: number;
  /** Records of one neighbor that are verified at once, and each second after that. */
  readonly recordsBurst: number;
  readonly recordsPerSecond: number;
  /** Nodes, links and services that are remembered, whoever spoke of them. */
  readonly subjectsMax: number;
}

export const LIMITS: AlanetLimits = {
  routesMax: 20_000,
  recordsMax: 80_000,
  inboxBytesMax: 16 * 1024 * 1024,
  recordsBurst: 50_000,
  recordsPerSecond: 1_000,
  subjectsMax: 200_000,
};

export interface AlanetOptions {
  readonly crypto: Crypto;
  readonly entropy: Entropy;
  readonly wall: WallClock;
  readonly realm: string;
  /** Leading zero bits that a node's proof needs here. */
  readonly work: number;
  readonly identity: AlanetIdentity;
  readonly name: string;
  readonly transit: Transit;
  /** What `persist` gave before the restart; anything else is ignored. */
  readonly highestSeen?: unknown;
  /** Own services, signed by both keys; announced as fc…/128. */
  readonly services?: readonly SignedRecord[];
  /** 0 or ≥ 3; docs/adr/0003. */
  readonly holdTimeSeconds?: number;
  readonly limits?: Partial<AlanetLimits>;
}

export type AlanetCommand =
  /** soft: route refresh both ways; hard: a new session over the same link. */
  | { readonly kind: 'clear'; readonly link: LinkId; readonly how: 'soft' | 'hard' }
  | { readonly kind: 'set-transit'; readonly transit: Transit }
  | { readonly kind: 'set-services'; readonly services: readonly SignedRecord[] }
  /** Withdraws everything and ends all sessions. */
  | { readonly kind: 'shutdown' };

/** For `monitor`; the router adds the time. Addresses as text. */
export type AlanetEvent =
  | {
      readonly kind: 'neighbor';
      readonly peer: string;
      readonly name: string;
      readonly state: string;
      readonly reason: string;
    }
  | {
      readonly kind: 'route';
      readonly action: 'announce' | 'change' | 'withdraw';
      readonly prefix: string;
      readonly nexthop: string | null;
      readonly asPath: readonly string[];
    };

export type AlanetOutput =
  /** A `send` is answered by `handleSendAnswer` before the next `poll`. */
  | { readonly kind: 'link'; readonly command: LinkCommand }
  | { readonly kind: 'fib'; readonly changes: readonly FibChange[] }
  | { readonly kind: 'event'; readonly event: AlanetEvent }
  | { readonly kind: 'persist'; readonly highestSeen: unknown };

/** Why a route was refused; counted for each neighbor. */
export type RouteFault =
  | 'loop'
  | 'unsigned'
  | 'bad-signature'
  | 'expired'
  | 'replayed'
  | 'broken-path'
  | 'unknown-reference'
  | 'unknown-signer'
  | 'link-down'
  | 'too-little-work'
  | 'wrong-realm'
  | 'wrong-key'
  | 'malformed';

/** A route of an Adj-RIB-In, or our own (no neighbor). */
export interface Route {
  readonly prefix: Prefix;
  /** Undefined for our own. */
  readonly link: LinkId | undefined;
  readonly neighbor: NodeId | undefined;
  /** Subject key of the origin's record. */
  readonly origin: string;
  /** Every adjacency on the way, ours with the neighbor first. */
  readonly steps: readonly LinkEntry[];
  /** Neighbor first, origin last; empty for our own. */
  readonly asPath: readonly NodeId[];
  readonly communities: readonly bigint[];
  readonly localPref: number;
  readonly role: Role;
  /** Sum of the signed cost classes; follows the records. */
  cost: number;
  readonly since: Instant;
  /** Not refreshed yet since the neighbor began to send everything again. */
  stale: boolean;
}
