/**
 * Routing: sessions over links, RIBs, the decision, attestation. It knows neighbors, prefixes and routes; it does not
 * know how a link is made. Sans-IO: feed it, `poll` until empty, wake it at `nextTimeout`.
 *
 * The way of an UPDATE: `handleLink` → the neighbor's inbox → `receiveUpdate` (verify, Adj-RIB-In) → `#settle` (decide,
 * FIB, pending advertisements) → `adj-out` → the neighbors' outboxes → `poll`.
 */
import { formatNodeId, formatPrefix, type NodeId } from '../base/ip6.js';
import { after, earliest, type Instant } from '../base/time.js';
import { Timers } from '../base/timers.js';
import type { LinkEvent, LinkId, LinkUp, SendAnswer } from '../link/types.js';
import type { FibChange } from '../plane/types.js';
import { decodeBgp } from '../wire/bgp.js';
import type { SignedRecord } from '../wire/types.js';
import { Agreement } from './attest/agreement.js';
import { CostClass } from './attest/cost.js';
import { Damping } from './attest/damping.js';
import { isUp, type LinkEntry, nodeKey, type Subject, Subjects } from './attest/subjects.js';
import { type AdjInParts, costOf, receiveUpdate, removeRoute } from './rib/adj-in.js';
import { Advertiser } from './rib/advertiser.js';
import { type BestChange, LocRib } from './rib/loc-rib.js';
import { OwnPrefixes } from './services/own.js';
import * as errors from './session/errors.js';
import { Neighbor } from './session/neighbor.js';
import { Session } from './session/session.js';
import {
  type AlanetCommand,
  type AlanetEvent,
  type AlanetLimits,
  type AlanetOptions,
  type AlanetOutput,
  LIMITS,
  type Transit,
} from './types.js';

export type { AlanetCommand, AlanetEvent, AlanetOptions, AlanetOutput, Transit } from './types.js';

/** Ours: a neighbor is asked for its routes again this long after there was a reason, and this far apart. */
const ASK_AGAIN_MSEC = 200;
const ASK_AGAIN_INTERVAL_MSEC = 30_000;
/** Ours: over the limit of subjects nobody's session ends that leaves this part of them free. */
const ROOM = 0.9;
const PERSIST_MSEC = 60_000;
const SWEEP_MSEC = 60_000;
/** Ours: a neighbor whose link was down this long is not remembered. */
const FORGET_MSEC = 86_400_000;

type GlobalTimer = 'persist' | 'sweep';

export class Alanet {
  readonly neighbors = new Map<LinkId, Neighbor>();
  readonly locRib = new LocRib();
  readonly subjects: Subjects;
  readonly options: AlanetOptions;
  readonly #limits: AlanetLimits;
  readonly #session: Session;
  readonly #adjIn: AdjInParts;
  readonly #advertiser: Advertiser;
  readonly #own: OwnPrefixes;
  readonly #timers = new Timers<GlobalTimer>();
  readonly #outputs: AlanetOutput[] = [];
  #transit: Transit;
  /** Neighbors that should say their routes again. */
  readonly #toAsk = new Set<Neighbor>();
  #isShutDown = false;
  #turn = 0;

  constructor(options: AlanetOptions) {
    this.options = options;
    const { crypto, realm, work, identity } = options;
    this.#limits = { ...LIMITS, ...options.limits };
    this.#transit = options.transit;
    const { highestSeen } = options;
    this.subjects = new Subjects({ crypto, realm, work, highestSeen });
    this.#adjIn = {
      ...{ subjects: this.subjects, locRib: this.locRib, own: identity.id },
      routesMax: this.#limits.routesMax,
      learned: (subject) => this.#learned(subject),
      askAgain: (neighbor) => void this.#toAsk.add(neighbor),
    };
    const nowSeconds = (now: Instant) => this.nowSeconds(now);
    const { subjects, locRib } = this;
    const givesTransit = () => this.#transit === 'full' && !this.#isShutDown;
    this.#advertiser = new Advertiser({ subjects, locRib, givesTransit });
    const learned = (subject: Subject) => this.#learned(subject);
    this.#own = new OwnPrefixes({ subjects, locRib, identity, nowSeconds, learned });
    this.#session = new Session({
      alanet: this,
      nowSeconds,
      emit: (output) => void this.#outputs.push(output),
      lost: (now, neighbor) => this.#lost(now, neighbor),
      established: (now, neighbor) => this.#wantAgreement(now, neighbor),
      learn: (now, record) => this.#learn(now, record),
    });
  }

  get limits(): AlanetLimits {
    return this.#limits;
  }

  get transit(): Transit {
    return this.#transit;
  }

  get isShutDown(): boolean {
    return this.#isShutDown;
  }

  nowSeconds(now: Instant): number {
    return Math.floor(this.options.wall(now) / 1000);
  }

  /** Signs and announces our own prefix; once, before anything else. */
  start(now: Instant): void {
    this.#own.refresh(now);
    this.#own.setServices(now, this.options.services ?? []);
    this.#timers.set('sweep', after(now, SWEEP_MSEC));
    this.#settle(now);
  }

  handleLink(now: Instant, event: LinkEvent): void {
    // A full link still has to take the last words.
    if (this.#isShutDown && event.kind !== 'writable') return;
    if (event.kind === 'up') this.#linkUp(now, event);
    else {
      const neighbor = this.neighbors.get(event.link);
      if (neighbor === undefined) return;
      switch (event.kind) {
        case 'down':
          this.#linkDown(now, neighbor, event.reason);
          break;
        case 'received':
          this.#received(now, neighbor, event.message);
          break;
        case 'writable':
          neighbor.isBlocked = false;
          break;
        case 'changed':
          this.#measured(now, neighbor, event.rttMsec);
          break;
        default:
          event satisfies never;
      }
    }
    this.#settle(now);
  }

  #linkUp(now: Instant, up: LinkUp): void {
    const known = this.neighbors.get(up.link);
    const neighbor = known?.peer === up.peer ? known : this.#newNeighbor(now, up);
    if (known?.up !== undefined) this.#linkDown(now, known, 'the link came up anew');
    this.neighbors.set(up.link, neighbor);
    neighbor.cost.measured(now, up.rttMsec);
    for (const other of this.neighbors.values()) {
      if (other === neighbor || other.peer !== up.peer || other.up === undefined) continue;
      neighbor.up = up;
      this.#session.wait(neighbor);
      return;
    }
    this.#session.linkUp(now, neighbor, up);
  }

  #newNeighbor(now: Instant, up: LinkUp): Neighbor {
    const { crypto, entropy, identity } = this.options;
    const cost = new CostClass(now, up.rttMsec);
    const agreement = new Agreement({
      ...{ crypto, entropy, cost, seed: identity.seed, own: identity.id, peer: up.peer },
      subjects: this.subjects,
    });
    const damping = new Damping();
    const limits = this.#limits;
    const { link, peer } = up;
    return new Neighbor({ link, peer, own: identity.id, cost, agreement, damping, limits });
  }

  #linkDown(now: Instant, neighbor: Neighbor, reason: string): void {
    const wasUp = neighbor.state !== 'Active' && neighbor.up !== undefined;
    neighbor.up = undefined;
    this.#session.linkDown(now, neighbor, reason);
    if (!wasUp) return;
    const down = neighbor.agreement.down(this.nowSeconds(now));
    if (down !== undefined) {
      neighbor.damping.wentDown(now);
      this.#learn(now, down);
    }
    for (const other of this.neighbors.values()) {
      if (other.state === 'Active' && other.peer === neighbor.peer && other.up !== undefined) {
        this.#session.linkUp(now, other, other.up);
        return;
      }
    }
  }

  #received(now: Instant, neighbor: Neighbor, message: Uint8Array): void {
    const decoded = decodeBgp(message);
    if (!decoded.ok) {
      this.#session.fail(now, neighbor, errors.malformedUpdate(decoded.error));
      return;
    }
    const { value } = decoded;
    neighbor.countReceived(value.kind);
    if (value.kind !== 'update') {
      this.#session.received(now, neighbor, value);
      return;
    }
    if (!this.#session.receivedUpdate(now, neighbor)) return;
    neighbor.inbox.push(value, message.length);
    if (neighbor.inboxBytes > this.#limits.inboxBytesMax) {
      const text = 'updates come faster than they can be verified';
      this.#session.fail(now, neighbor, errors.outOfResources(text));
    } else if (neighbor.timers.at('work') === undefined) this.#work(now, neighbor);
  }

  /** A bounded part of what waits; the rest goes on when others had their turn, and the budget allows it. */
  #work(now: Instant, neighbor: Neighbor): void {
    const update = neighbor.inbox.next(now);
    const at = { now, nowSeconds: this.nowSeconds(now) };
    if (update !== undefined && receiveUpdate(this.#adjIn, neighbor, update, at) === 'limit') {
      const text = `over ${this.#limits.routesMax} routes or ${this.#limits.recordsMax} records`;
      this.#session.fail(now, neighbor, errors.maxPrefixes(text));
    }
    if (this.subjects.size > this.#limits.subjectsMax) this.#makeRoom(now);
    const readyAt = neighbor.inbox.readyAt(now);
    if (readyAt !== undefined) neighbor.timers.set('work', readyAt);
  }

  /** Memory is full: first what nobody refers to goes, then the session of whoever refers to most. */
  #makeRoom(now: Instant): void {
    this.#collect();
    while (this.subjects.size > this.#limits.subjectsMax * ROOM) {
      let largest: Neighbor | undefined;
      for (const one of this.neighbors.values())
        if (one.dictionaryIn.size > (largest?.dictionaryIn.size ?? 0)) largest = one;
      if (largest === undefined) return;
      const text = `${largest.dictionaryIn.size} records and paths, more than there is room for`;
      this.#session.fail(now, largest, errors.maxPrefixes(text));
      this.#collect();
    }
  }

  #collect(): void {
    const keys = new Set(this.#own.keys());
    const keep = (key: string, entry?: LinkEntry) => {
      keys.add(key);
      if (entry !== undefined) keys.add(nodeKey(entry.a)).add(nodeKey(entry.b));
    };
    for (const { agreement, dictionaryIn, routes } of this.neighbors.values()) {
      keep(agreement.entry.key, agreement.entry);
      for (const subject of dictionaryIn.subjects())
        keep(subject.key, subject.kind === 'link' ? subject.entry : undefined);
      for (const route of routes.values()) {
        keep(route.origin);
        for (const entry of route.steps) keep(entry.key, entry);
      }
    }
    this.subjects.retain(keys);
  }

  /** A verified record that was new: others that know its subject get it, and routes over the link follow it. */
  #learned(subject: Subject): void {
    for (const other of this.neighbors.values()) {
      const known = other.dictionaryOut.record(subject.key);
      if (known !== undefined) other.pendingRecords.add(subject.key);
      if (subject.kind !== 'link' && other.doubted.delete(subject.key)) this.#toAsk.add(other);
      // What a DOWN withdrew without words is looked at again when a link came up meanwhile.
      if (subject.kind !== 'link' || !isUp(subject.entry)) continue;
      for (const prefix of other.unsaid) other.pending.add(prefix);
      other.unsaid.clear();
      if (other.doubted.delete(subject.key)) this.#toAsk.add(other);
    }
    if (subject.kind === 'link') this.#linkChanged(subject.entry);
  }

  #learn(now: Instant, record: SignedRecord): boolean {
    const learned = this.subjects.learn(record, this.nowSeconds(now));
    if (learned.ok && learned.change === 'new') this.#learned(learned.subject);
    return learned.ok;
  }

  /** Root cause: a link that is down takes every route over it along; another cost class moves them. */
  #linkChanged(entry: LinkEntry): void {
    const isDown = this.subjects.recordOf(entry.key)?.digest === entry.down?.digest;
    for (const route of [...entry.routes]) {
      const neighbor = route.link === undefined ? undefined : this.neighbors.get(route.link);
      if (neighbor === undefined) continue;
      if (isDown) {
        neighbor.doubt(entry.key);
        removeRoute(this.#adjIn, neighbor, route.prefix);
      } else {
        route.cost = costOf(route.steps);
        this.locRib.touch(route.prefix);
      }
    }
    this.#adjacencyChanged(entry, isDown);
  }

  /** The record is about a node next to us, or about one of our own links. */
  #adjacencyChanged(entry: LinkEntry, isDown: boolean): void {
    const { id } = this.options.identity;
    for (const neighbor of this.neighbors.values()) {
      if (!neighbor.isEstablished || (entry.a !== neighbor.peer && entry.b !== neighbor.peer))
        continue;
      const isOwn = entry.a === id || entry.b === id;
      if (isDown && isOwn)
        this.#session.resetSoon(neighbor, 'the other end says that the link is down');
      // Somebody lost this neighbor: a word to it, unanswered, makes our link notice early.
      else if (isDown) neighbor.queue({ kind: 'keepalive' });
    }
  }

  #measured(now: Instant, neighbor: Neighbor, rttMsec: number): void {
    neighbor.rttMsec = rttMsec;
    const settleAt = neighbor.cost.measured(now, rttMsec);
    if (settleAt === undefined) neighbor.timers.clear('settle');
    else neighbor.timers.set('settle', settleAt);
  }

  /** What mesh answered to the `send` that `poll` gave last. */
  handleSendAnswer(now: Instant, link: LinkId, answer: SendAnswer): void {
    const neighbor = this.neighbors.get(link);
    if (neighbor === undefined) return;
    if (answer === 'full') neighbor.isBlocked = true;
    else if (answer === 'down') neighbor.outbox.clear();
    else {
      neighbor.outbox.shift();
      this.#advertiser.sent(now, neighbor);
    }
  }

  handleCommand(now: Instant, command: AlanetCommand): void {
    switch (command.kind) {
      case 'clear': {
        const neighbor = this.neighbors.get(command.link);
        if (neighbor !== undefined) this.#clear(now, neighbor, command.how);
        break;
      }
      case 'set-transit':
        this.#transit = command.transit;
        this.#own.refresh(now);
        for (const neighbor of this.neighbors.values()) this.readvertise(now, neighbor);
        break;
      case 'set-services':
        this.#own.setServices(now, command.services);
        break;
      case 'shutdown':
        this.#shutdown(now);
        break;
      default:
        command satisfies never;
    }
    this.#settle(now);
  }

  #clear(now: Instant, neighbor: Neighbor, how: 'soft' | 'hard'): void {
    if (how === 'hard') {
      this.#session.fail(now, neighbor, errors.adminReset(''), { retryAt: now });
      return;
    }
    if (!neighbor.isEstablished) return;
    neighbor.queue({ kind: 'route-refresh' });
    this.#session.readvertise(neighbor);
    this.readvertise(now, neighbor);
  }

  /** Every link of ours is signed down and every prefix withdrawn in one message; then the sessions end. */
  #shutdown(now: Instant): void {
    this.#isShutDown = true;
    const nowSeconds = this.nowSeconds(now);
    this.#own.withdrawAll();
    this.#decide(now);
    const downs: SignedRecord[] = [];
    for (const neighbor of this.neighbors.values()) {
      const down = neighbor.isEstablished ? neighbor.agreement.down(nowSeconds) : undefined;
      if (down !== undefined) downs.push(down);
    }
    const established = [...this.neighbors.values()].filter((neighbor) => neighbor.isEstablished);
    for (const neighbor of established) {
      this.#session.farewell(neighbor, downs, (one) => this.#advertiser.withdrawals(one));
    }
    const isDue = this.#timers.at('persist') !== undefined;
    if (this.subjects.takeChanged() || isDue) this.#persist();
  }

  handleTimeout(now: Instant): void {
    for (
      let name = this.#timers.takeDue(now);
      name !== undefined;
      name = this.#timers.takeDue(now)
    ) {
      if (name === 'persist') this.#persist();
      else this.#sweep(now);
    }
    for (const neighbor of this.neighbors.values()) {
      for (
        let name = neighbor.timers.takeDue(now);
        name !== undefined;
        name = neighbor.timers.takeDue(now)
      ) {
        if (name === 'work') {
          this.#work(now, neighbor);
          break;
        }
        if (name === 'advertise') this.#advertiser.advertise(now, neighbor);
        else if (name === 'settle') neighbor.cost.settle(now) && this.#wantAgreement(now, neighbor);
        else this.#session.timeout(now, neighbor, name);
      }
    }
    this.#settle(now);
  }

  nextTimeout(): Instant | undefined {
    let soonest = this.#timers.next()?.at;
    for (const neighbor of this.neighbors.values()) {
      soonest = earliest(soonest, neighbor.timers.next()?.at);
    }
    return soonest;
  }

  poll(): AlanetOutput | undefined {
    const output = this.#outputs.shift();
    if (output !== undefined) return output;
    const waiting = [...this.neighbors.values()].filter(
      (one) => !one.isBlocked && one.outbox.length > 0,
    );
    const neighbor = waiting[this.#turn++ % Math.max(waiting.length, 1)];
    const message = neighbor?.outbox.peek();
    if (neighbor === undefined || message === undefined) return undefined;
    return { kind: 'link', command: { kind: 'send', link: neighbor.link, message } };
  }

  /** The session is over: its routes go, at once and all together. */
  #lost(_now: Instant, neighbor: Neighbor): void {
    for (const prefix of [...neighbor.routes.keys()]) removeRoute(this.#adjIn, neighbor, prefix);
  }

  /** A record in force is not replaced before its interval is over: then the timer runs already. */
  #wantAgreement(now: Instant, neighbor: Neighbor): void {
    if (neighbor.agreement.inForce && neighbor.timers.at('agree') !== undefined) return;
    neighbor.timers.setEarlier('agree', neighbor.damping.usableAt(now));
  }

  /** A new record is in force on our own link: what the neighbor should know goes out. */
  agreed(now: Instant, neighbor: Neighbor): void {
    if (neighbor.sent.size > 0 || neighbor.dump !== 'none') return;
    neighbor.dump = 'initial';
    this.readvertise(now, neighbor);
  }

  readvertise(now: Instant, neighbor: Neighbor): void {
    this.#advertiser.readvertise(now, neighbor);
  }

  #settle(now: Instant): void {
    this.#decide(now);
    for (const neighbor of this.#toAsk) this.#askAgain(now, neighbor);
    this.#toAsk.clear();
    for (const neighbor of this.neighbors.values()) {
      if (neighbor.isOverflown)
        this.#session.fail(now, neighbor, errors.outOfResources('the neighbor does not read'));
      this.#advertiser.settle(now, neighbor);
    }
    if (this.subjects.takeChanged()) this.#timers.setEarlier('persist', after(now, PERSIST_MSEC));
  }

  /** Rarely needed: a record overtook another on the way round, and routes were refused that are good. */
  #askAgain(now: Instant, { lastAskedAt, timers }: Neighbor): void {
    const soon = after(now, ASK_AGAIN_MSEC);
    const spaced = lastAskedAt === undefined ? soon : after(lastAskedAt, ASK_AGAIN_INTERVAL_MSEC);
    timers.setEarlier('ask-again', Math.max(soon, spaced) as Instant);
  }

  #decide(now: Instant): void {
    const changes = this.locRib.decide();
    if (changes.length === 0) return;
    const fib: FibChange[] = [];
    for (const change of changes) {
      const { prefix, before, after: best } = change;
      if (best?.link !== undefined) {
        if (before?.link !== best.link) fib.push({ kind: 'set', prefix, link: best.link });
      } else if (before?.link !== undefined) fib.push({ kind: 'delete', prefix });
      for (const neighbor of this.neighbors.values()) {
        if (neighbor.isEstablished) neighbor.pending.add(prefix);
      }
      this.#outputs.push({ kind: 'event', event: routeEvent(change) });
    }
    if (fib.length > 0) this.#outputs.push({ kind: 'fib', changes: fib });
    void now;
  }

  #sweep(now: Instant): void {
    this.#timers.set('sweep', after(now, SWEEP_MSEC));
    this.#own.refresh(now);
    this.#own.withdrawExpired(now);
    const nowSeconds = this.nowSeconds(now);
    for (const neighbor of this.neighbors.values()) {
      this.#dropExpired(now, neighbor);
      if (neighbor.isEstablished && neighbor.agreement.isDue(nowSeconds))
        this.#wantAgreement(now, neighbor);
      const { up, downAt = now } = neighbor;
      if (up === undefined && now - downAt > FORGET_MSEC) this.neighbors.delete(neighbor.link);
    }
    this.#collect();
  }

  /** Routes that a record no longer proves; the neighbor is asked for them again when a newer one does. */
  #dropExpired(now: Instant, neighbor: Neighbor): void {
    const nowSeconds = this.nowSeconds(now);
    for (const { prefix, origin, steps } of [...neighbor.routes.values()]) {
      const expired = this.subjects.expiredOf(origin, steps, nowSeconds);
      if (expired === undefined) continue;
      neighbor.doubt(expired);
      neighbor.refuse(now, prefix, 'expired');
      removeRoute(this.#adjIn, neighbor, prefix);
    }
  }

  #persist(): void {
    this.#outputs.push({ kind: 'persist', highestSeen: this.subjects.exportSeen() });
  }

  /** The neighbor that has this node id, the established one first. */
  neighborOf(id: NodeId): Neighbor | undefined {
    let found: Neighbor | undefined;
    for (const neighbor of this.neighbors.values()) {
      if (neighbor.peer !== id) continue;
      if (neighbor.isEstablished) return neighbor;
      found ??= neighbor;
    }
    return found;
  }
}

function routeEvent({ prefix, before, after: best }: BestChange): AlanetEvent {
  return {
    kind: 'route',
    action: before === undefined ? 'announce' : best === undefined ? 'withdraw' : 'change',
    prefix: formatPrefix(prefix),
    nexthop: best?.neighbor === undefined ? null : formatNodeId(best.neighbor),
    asPath: (best?.asPath ?? []).map(formatNodeId),
  };
}
