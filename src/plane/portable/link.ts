/** What the plane knows of one link. */
import { addressBytes } from '../../base/ip6.js';
import { BoundedQueue } from '../../base/queue.js';
import type { Instant } from '../../base/time.js';
import type { LinkId } from '../../link/types.js';
import type { LinkCounters, PathId, PlaneCommand, RawPrefix, SourceCheck } from '../types.js';
import type { Session } from './sessions.js';
import { Joiner } from './split.js';

/** Ours, as in Linux: packets held while a handshake runs. */
const STAGED_PACKETS_MAX = 128;

export type LinkSettings = Extract<PlaneCommand, { kind: 'link' }>;

const NEVER_YET = 0 as Instant;

export class Link {
  readonly id: LinkId;
  path: PathId | undefined;
  datagramBytesMax = 0;
  mtu = 0;
  sourceCheck: SourceCheck = 'own';
  /** The peer's address, 16 bytes, once it is proven. */
  peer: Uint8Array | undefined;
  /** Stock WireGuard peers only. */
  prefixes: readonly RawPrefix[] | undefined;

  previous: Session | undefined;
  current: Session | undefined;
  next: Session | undefined;

  readonly staged = new BoundedQueue<Uint8Array>(STAGED_PACKETS_MAX);
  readonly joiner = new Joiner();
  /** The next split packet's number. */
  splitId = 0;
  armed = false;
  /** When a key was asked for; undefined once one came. */
  keyWantedAt: Instant | undefined;
  movedAt: Instant | undefined;

  readonly counters: LinkCounters = zeroCounters();
  /** Gaps under keys that are gone. */
  lostBefore = 0;

  constructor(settings: LinkSettings) {
    this.id = settings.link;
    this.configure(settings);
  }

  configure(settings: LinkSettings): void {
    this.path = settings.path;
    this.datagramBytesMax = settings.datagramBytesMax;
    this.mtu = settings.mtu;
    this.sourceCheck = settings.sourceCheck;
    this.peer = settings.peer === undefined ? undefined : addressBytes(settings.peer);
    this.prefixes = settings.prefixes;
  }

  /** Until the peer is proven only control payloads pass. */
  get carriesPackets(): boolean {
    return this.peer !== undefined || this.prefixes !== undefined;
  }

  /** Keeps a packet until there is a key. @returns false when the oldest one had to go for it. */
  stage(packet: Uint8Array): boolean {
    if (this.staged.push(packet)) return true;
    this.staged.shift();
    this.staged.push(packet);
    return false;
  }

  read(into: LinkCounters): void {
    Object.assign(into, this.counters);
    into.keyMessages = this.current?.sent ?? 0;
    into.rxLost = this.lostBefore;
    for (const session of [this.previous, this.current, this.next]) {
      into.rxLost += session?.lost ?? 0;
    }
  }
}

function zeroCounters(): LinkCounters {
  return {
    ...{ rxPackets: 0, rxBytes: 0, txPackets: 0, txBytes: 0, rxData: 0, txData: 0 },
    lastRxAt: NEVER_YET,
    lastTxAt: NEVER_YET,
    lastDataRxAt: NEVER_YET,
    lastDataTxAt: NEVER_YET,
    unansweredSinceAt: NEVER_YET,
    ...{ rxLost: 0, keyMessages: 0, splitTx: 0, joinedRx: 0 },
  };
}
