/** One neighbor: its session's state, timers and counters, its dictionaries and what it sent and was sent. */
import type { NodeId, Prefix } from '../../base/ip6.js';
import { BoundedQueue } from '../../base/queue.js';
import type { Instant } from '../../base/time.js';
import { Timers } from '../../base/timers.js';
import type { LinkId, LinkUp } from '../../link/types.js';
import { encodeBgp } from '../../wire/bgp.js';
import type { BgpMessage, Role } from '../../wire/types.js';

import type { Agreement } from '../attest/agreement.js';
import type { CostClass } from '../attest/cost.js';
import type { Damping } from '../attest/damping.js';
import { DictionaryIn } from '../rib/dictionary-in.js';
import { DictionaryOut, type OutPath, type OutRecord } from '../rib/dictionary-out.js';
import { splitUpdate } from '../rib/split.js';
import type { AlanetLimits, Route, RouteFault } from '../types.js';
import { Bucket } from './bucket.js';
import type { State } from './fsm.js';
import { Inbox } from './inbox.js';

export type NeighborTimer =
  | 'hold'
  | 'keepalive'
  | 'retry'
  | 'advertise'
  | 'agree'
  | 'settle'
  | 'work'
  | 'refresh'
  | 'ask-again';

export interface SentRoute {
  readonly origin: OutRecord;
  readonly path: OutPath;
}

export interface RefusedRoute {
  readonly prefix: Prefix | undefined;
  readonly fault: RouteFault;
  readonly at: Instant;
}

type MessageKind = BgpMessage['kind'];
/** What we can say: everything but what a newer version says. */
type Sayable = Exclude<BgpMessage, { kind: 'unknown' }>;

/** Encoded messages that wait for the link; updates are only built while there are few. */
const OUTBOX_MAX = 4096;
/** Links that a neighbor may not know to be down; more are not remembered one by one. */
const DOUBTED_MAX = 1024;
/** Ours: proposals and answers that are looked at; honest ends need a few after a link came up, then one a minute. */
const AGREEMENTS = { burst: 16, perSecond: 1 / 3 };
/** The last refused routes are kept to be shown. */
const REFUSED_SHOWN_MAX = 32;

/** What survives a session: the same neighbor on the same link. */
export class Neighbor {
  readonly link: LinkId;
  readonly peer: NodeId;
  readonly cost: CostClass;
  readonly agreement: Agreement;
  readonly damping: Damping;
  readonly timers = new Timers<NeighborTimer>();
  readonly outbox = new BoundedQueue<Uint8Array>(OUTBOX_MAX);
  readonly inbox: Inbox;
  /** What it asks of our signing key. */
  readonly agreements = new Bucket(AGREEMENTS);
  readonly routes = new Map<Prefix, Route>();
  readonly sent = new Map<Prefix, SentRoute>();
  /** Of those in `sent`: withdrawn by a DOWN that the neighbor knows; said with the next UPDATE, whatever it is about. */
  readonly unsaid = new Set<Prefix>();
  /** Prefixes whose advertisement may have to change. */
  readonly pending = new Set<Prefix>();
  /** Subject keys whose record the neighbor should get anew. */
  readonly pendingRecords = new Set<string>();
  /** Subjects that cost its routes though it may not know: links that were down, records that expired. */
  readonly doubted = new Set<string>();
  readonly refused: RefusedRoute[] = [];
  readonly refusals: Partial<Record<RouteFault, number>> = {};
  readonly received: Partial<Record<MessageKind, number>> = {};
  readonly sentMessages: Partial<Record<MessageKind, number>> = {};
  state: State = 'Connect';
  up: LinkUp | undefined;
  name = '';
  role: Role = 'peer';
  capabilities: readonly number[] = [];
  holdMsec = 0;
  rttMsec = 0;
  isBlocked = false;
  /** Something could not be queued: what the neighbor knows is no longer what `sent` says, the session must end. */
  isOverflown = false;
  /** The full table is still to be followed by End-of-RIB; 'refresh': begun by begin-of-RIB. */
  dump: 'none' | 'initial' | 'refresh' = 'none';
  hasEndOfRib = false;
  establishedAt: Instant | undefined;
  downAt: Instant | undefined;
  connectionsEstablished = 0;
  connectionsDropped = 0;
  lastError = '';
  failures = 0;
  /** After a fault that we found no session begins before this. */
  restUntil: Instant | undefined;
  lastAdvertisedAt: Instant | undefined;
  lastAskedAt: Instant | undefined;
  refreshedAt: Instant | undefined;
  tableVersion = 0;
  dictionaryIn: DictionaryIn;
  dictionaryOut = new DictionaryOut();
  readonly #own: NodeId;
  readonly #recordsMax: number;

  constructor(parts: {
    readonly link: LinkId;
    readonly peer: NodeId;
    readonly own: NodeId;
    readonly cost: CostClass;
    readonly agreement: Agreement;
    readonly damping: Damping;
    readonly limits: AlanetLimits;
  }) {
    this.link = parts.link;
    this.peer = parts.peer;
    this.cost = parts.cost;
    this.agreement = parts.agreement;
    this.damping = parts.damping;
    this.#own = parts.own;
    this.#recordsMax = parts.limits.recordsMax;
    const { recordsBurst: burst, recordsPerSecond: perSecond } = parts.limits;
    this.inbox = new Inbox(new Bucket({ burst, perSecond }));
    this.dictionaryIn = this.#newDictionary();
  }

  #newDictionary(): DictionaryIn {
    return new DictionaryIn({ neighbor: this.peer, own: this.#own, limit: this.#recordsMax });
  }

  get inboxBytes(): number {
    return this.inbox.bytes;
  }

  get isEstablished(): boolean {
    return this.state === 'Established';
  }

  /** Routes may cross the link: the session is up and both ends signed it. */
  get carriesRoutes(): boolean {
    return this.isEstablished && this.agreement.inForce;
  }

  /** Encodes and queues; an UPDATE in as many messages as it needs. */
  queue(message: Sayable): void {
    const messages = message.kind === 'update' ? splitUpdate(message) : [message];
    for (const one of messages) {
      this.sentMessages[one.kind] = (this.sentMessages[one.kind] ?? 0) + 1;
      if (!this.outbox.push(encodeBgp(one))) this.isOverflown = true;
    }
  }

  countReceived(kind: MessageKind): void {
    this.received[kind] = (this.received[kind] ?? 0) + 1;
  }

  refuse(at: Instant, prefix: Prefix | undefined, fault: RouteFault): void {
    this.refusals[fault] = (this.refusals[fault] ?? 0) + 1;
    this.refused.push({ at, prefix, fault });
    if (this.refused.length > REFUSED_SHOWN_MAX) this.refused.shift();
  }

  doubt(linkKey: string): void {
    if (this.doubted.size < DOUBTED_MAX) this.doubted.add(linkKey);
  }

  /** A new session begins with empty dictionaries; the caller has removed the routes. */
  resetSession(): void {
    this.timers.clearAll();
    this.outbox.clear();
    this.inbox.clear();
    this.sent.clear();
    this.unsaid.clear();
    this.doubted.clear();
    this.pending.clear();
    this.pendingRecords.clear();
    this.dictionaryIn = this.#newDictionary();
    this.dictionaryOut = new DictionaryOut();
    this.isBlocked = false;
    this.isOverflown = false;
    this.holdMsec = 0;
    this.dump = 'none';
    this.hasEndOfRib = false;
    this.lastAdvertisedAt = undefined;
    this.lastAskedAt = undefined;
    this.refreshedAt = undefined;
    this.capabilities = [];
  }
}

export const total = (counts: Partial<Record<string, number>>): number =>
  Object.values(counts).reduce<number>((sum, count) => sum + (count ?? 0), 0);
