/** What the parts of one mesh share. */
import type { NodeId } from '../base/ip6.js';
import type { Instant } from '../base/time.js';
import type { LinkId } from '../link/types.js';
import type { NoiseDevice } from '../noise/device.js';
import type { LinkCounters } from '../plane/types.js';
import type { InviteBook } from './invites.js';
import type { RelayMessage } from './relay.js';
import type { MeshConfig, MeshCounters, MeshOptions, MeshOutput } from './types.js';

export interface MeshContext {
  readonly options: MeshOptions;
  readonly config: MeshConfig;
  readonly noise: NoiseDevice;
  /** 8 random bytes for each start of the router. */
  readonly bootId: Uint8Array;
  readonly counters: MeshCounters;
  readonly invites: InviteBook;
  /** Own endpoints, told to peers. */
  ownCandidates(): readonly string[];
  emit(output: MeshOutput): void;
  /** Neighbors are asked to carry datagrams to this peer. */
  wantRelay(now: Instant, key: Uint8Array): void;
  /** From a link that is up. */
  handleRelay(now: Instant, link: LinkId, what: RelayMessage | Uint8Array): void;
  /** The link is down: it carries nothing any more. */
  relayDown(link: LinkId): void;
  /** A neighbor sees us elsewhere than before. */
  sightingChanged(now: Instant, link: LinkId): void;
  /** Asks for a path; the answer comes to the link. */
  open(link: LinkId, endpoint: string): void;
  /** Another link that is up with this node. */
  otherLinkTo(id: NodeId, link: LinkId): boolean;
  /** Something waits to be sent or delivered on this link; it is flushed at the end of the pass. */
  touch(link: LinkId): void;
}

export function log(ctx: MeshContext, level: 'info' | 'warn', message: string): void {
  ctx.emit({ kind: 'event', event: { kind: 'log', level, message } });
}

/** `msec` ± `share` of it. */
export function jittered(ctx: MeshContext, msec: number, share = 0.1): number {
  const span = Math.max(1, Math.floor(2 * share * msec));
  return msec - span / 2 + ctx.options.entropy.below(span + 1);
}

export function newLinkCounters(): LinkCounters {
  const never = 0 as Instant;
  return {
    ...{ rxPackets: 0, rxBytes: 0, txPackets: 0, txBytes: 0, rxData: 0, txData: 0 },
    ...{ lastRxAt: never, lastTxAt: never, lastDataRxAt: never, lastDataTxAt: never },
    ...{ unansweredSinceAt: never, rxLost: 0, keyMessages: 0, splitTx: 0, joinedRx: 0 },
  };
}

export function newMeshCounters(): MeshCounters {
  return {
    ...{ strangers: 0, malformedControl: 0, malformedMessages: 0, controlFlood: 0 },
    ...{ staleSegments: 0, malformedBeacons: 0, foreignBeacons: 0, beaconFlood: 0 },
    ...{ refusedHellos: 0, refusedInvites: 0 },
  };
}
