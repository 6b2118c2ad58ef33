/**
 * The session with one neighbor: OPEN, KEEPALIVE, the hold timer, NOTIFICATION, and the agreement on the link's record.
 * State changes follow the table in `fsm.ts`; what a state means to do is here, by the state entered.
 */
import { formatNodeId } from '../../base/ip6.js';
import { after, type Instant } from '../../base/time.js';
import { verifyNode } from '../../identity/records.js';
import type { LinkUp } from '../../link/types.js';
import type { BgpMessage, BgpOpen, BgpUpdate, SignedRecord } from '../../wire/types.js';
import type { Alanet } from '../alanet.js';
import type { AlanetOutput } from '../types.js';
import * as errors from './errors.js';
import { accepts, next, type Trigger } from './fsm.js';
import type { Neighbor, NeighborTimer } from './neighbor.js';

const VERSION = 1;
/** docs/adr/0003: the link detects death; this only catches a neighbor whose routing hangs. */
const HOLD_TIME_SECONDS = 600;
/** RFC 4271 §4.2: 0, or at least 3. */
const HOLD_TIME_SECONDS_MIN = 3;
/** Ours: OPEN and its answer must come within this, over a link that is up. */
const OPEN_TIMEOUT_MSEC = 30_000;
/** Ours: after a fault the session rests this long, doubling with each fault in a row. */
const RETRY_MSEC = 1_000;
const RETRY_MSEC_MAX = 60_000;
/** Ours: faults in a row are forgotten after a session of this length; coming up alone forgives nothing. */
const STABLE_MSEC = 60_000;
/** Ours: a proposal without an answer is repeated; a record in force is replaced at most this often. */
const AGREE_RETRY_MSEC = 3_000;
const AGREE_INTERVAL_MSEC = 60_000;
/** Ours: in the first half minute of a session, while the measurements of a new link settle. */
const AGREE_EARLY_MSEC = 500;
const EARLY_MSEC = 30_000;
/** Ours: the whole table is repeated at most this often for one neighbor. */
const REFRESH_INTERVAL_MSEC = 1_000;

/** Capability codes: root-cause records, enhanced route refresh. */
const CAPABILITIES = [
  { code: 1, value: new Uint8Array(0) },
  { code: 2, value: new Uint8Array(0) },
];

export interface SessionParts {
  readonly alanet: Alanet;
  readonly nowSeconds: (now: Instant) => number;
  readonly emit: (output: AlanetOutput) => void;
  /** The session ended: forget what the neighbor said. */
  readonly lost: (now: Instant, neighbor: Neighbor) => void;
  readonly established: (now: Instant, neighbor: Neighbor) => void;
  readonly learn: (now: Instant, record: SignedRecord) => boolean;
}

export class Session {
  readonly #parts: SessionParts;

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  linkUp(now: Instant, neighbor: Neighbor, up: LinkUp): void {
    neighbor.up = up;
    neighbor.name = up.name;
    neighbor.rttMsec = up.rttMsec;
    neighbor.resetSession();
    const { restUntil } = neighbor;
    if (restUntil !== undefined && restUntil > now) {
      // A neighbor that resets the link gets no session sooner.
      this.#enter(now, neighbor, 'Fault', neighbor.lastError);
      neighbor.timers.set('retry', restUntil);
      return;
    }
    this.#enter(now, neighbor, 'LinkUp', '');
    const { identity, name, holdTimeSeconds = HOLD_TIME_SECONDS } = this.#parts.alanet.options;
    neighbor.queue({
      ...{ kind: 'open', version: VERSION, node: identity.nodeRecord(now), role: 'peer', name },
      ...{ holdTime: holdTimeSeconds, capabilities: CAPABILITIES },
    });
    neighbor.timers.set('hold', after(now, OPEN_TIMEOUT_MSEC));
  }

  /** Another link to the same node is in use. */
  wait(neighbor: Neighbor): void {
    neighbor.state = 'Active';
    neighbor.lastError = 'another link to this node is in use';
  }

  linkDown(now: Instant, neighbor: Neighbor, reason: string): void {
    this.#end(now, neighbor, 'LinkDown', reason);
  }

  /** Ends the session with a NOTIFICATION and rests before it begins anew. */
  fail(
    now: Instant,
    neighbor: Neighbor,
    fault: errors.SessionFault,
    { retryAt }: { readonly retryAt?: Instant } = {},
  ): void {
    if (neighbor.up === undefined || neighbor.state === 'Idle') return;
    const restUntil = retryAt ?? after(now, this.#backOff(now, neighbor));
    this.#end(now, neighbor, 'Fault', errors.faultText(fault));
    neighbor.queue({ kind: 'notification', ...fault });
    neighbor.restUntil = restUntil;
    neighbor.timers.set('retry', restUntil);
  }

  #backOff(now: Instant, neighbor: Neighbor): number {
    const { entropy } = this.#parts.alanet.options;
    const { establishedAt } = neighbor;
    if (establishedAt !== undefined && now - establishedAt >= STABLE_MSEC) neighbor.failures = 0;
    const msec = Math.min(RETRY_MSEC * 2 ** Math.min(neighbor.failures, 10), RETRY_MSEC_MAX);
    neighbor.failures++;
    return msec + entropy.below(1 + msec / 4);
  }

  /** Both sides should begin again: the link's streams are reset as soon as what is queued may have left. */
  resetSoon(neighbor: Neighbor, reason: string): void {
    neighbor.lastError = reason;
    this.#parts.emit({ kind: 'link', command: { kind: 'reset', link: neighbor.link, reason } });
  }

  received(
    now: Instant,
    neighbor: Neighbor,
    message: Exclude<BgpMessage, { kind: 'update' }>,
  ): void {
    if (neighbor.up === undefined || neighbor.state === 'Idle' || neighbor.state === 'Active')
      return;
    this.#heard(now, neighbor);
    switch (message.kind) {
      case 'open':
        this.#receivedOpen(now, neighbor, message);
        return;
      case 'keepalive':
        this.#receivedKeepalive(now, neighbor);
        return;
      case 'notification': {
        const { code, subcode, text } = message;
        const wait = this.#backOff(now, neighbor);
        this.#end(
          now,
          neighbor,
          'Fault',
          `neighbor says: ${errors.faultText({ code, subcode, text })}`,
        );
        neighbor.timers.set('retry', after(now, wait));
        return;
      }
      case 'unknown':
        return;
      default:
        if (this.#isEstablished(now, neighbor, message.kind))
          this.#receivedInSession(now, neighbor, message);
    }
  }

  #receivedInSession(
    now: Instant,
    neighbor: Neighbor,
    message: Extract<BgpMessage, { kind: 'route-refresh' | 'link-proposal' | 'link-agreement' }>,
  ): void {
    switch (message.kind) {
      case 'route-refresh':
        this.#refresh(now, neighbor);
        return;
      case 'link-proposal':
        if (neighbor.agreements.take(now, 1) === 1)
          this.#receivedProposal(now, neighbor, message.record);
        return;
      case 'link-agreement':
        if (neighbor.agreements.take(now, 1) === 1) this.#receivedAgreement(now, neighbor, message);
        return;
      default:
        message satisfies never;
    }
  }

  /** @returns false when an UPDATE must not come now; the session has ended then. */
  receivedUpdate(now: Instant, neighbor: Neighbor): boolean {
    if (neighbor.up === undefined || neighbor.state === 'Idle' || neighbor.state === 'Active')
      return false;
    this.#heard(now, neighbor);
    return this.#isEstablished(now, neighbor, 'update');
  }

  #isEstablished(now: Instant, neighbor: Neighbor, kind: string): boolean {
    if (neighbor.isEstablished) return true;
    this.fail(now, neighbor, errors.unexpectedMessage(`${kind} in state ${neighbor.state}`));
    return false;
  }

  #heard(now: Instant, neighbor: Neighbor): void {
    if (neighbor.holdMsec > 0) neighbor.timers.set('hold', after(now, neighbor.holdMsec));
  }

  #receivedOpen(now: Instant, neighbor: Neighbor, open: BgpOpen): void {
    if (!accepts(neighbor.state, 'RcvdOpen')) {
      this.fail(now, neighbor, errors.unexpectedMessage(`OPEN in state ${neighbor.state}`));
      return;
    }
    const fault = this.#openFault(now, neighbor, open);
    if (fault !== undefined) {
      this.fail(now, neighbor, fault);
      return;
    }
    neighbor.name = open.name || neighbor.name;
    neighbor.role = open.role;
    neighbor.capabilities = open.capabilities.map(({ code }) => code);
    this.#parts.learn(now, open.node);
    const { holdTimeSeconds = HOLD_TIME_SECONDS } = this.#parts.alanet.options;
    neighbor.holdMsec = Math.min(open.holdTime, holdTimeSeconds) * 1000;
    neighbor.queue({ kind: 'keepalive' });
    this.#enter(now, neighbor, 'RcvdOpen', '');
    this.#heard(now, neighbor);
    if (neighbor.holdMsec > 0) this.#scheduleKeepalive(now, neighbor);
  }

  #openFault(now: Instant, neighbor: Neighbor, open: BgpOpen): errors.SessionFault | undefined {
    if (open.version !== VERSION)
      return errors.badOpenVersion(`version ${open.version}, ours is ${VERSION}`);
    const { holdTime } = open;
    if (holdTime !== 0 && holdTime < HOLD_TIME_SECONDS_MIN)
      return errors.badHoldTime(`${holdTime} s`);
    const { crypto, realm, work } = this.#parts.alanet.options;
    const noiseKey = neighbor.up?.noiseKey;
    const nowSeconds = this.#parts.nowSeconds(now);
    const check = { realm, work, nowSeconds, ...(noiseKey && { noiseKey }) };
    const node = verifyNode(crypto, open.node, check);
    if (!node.ok) return errors.badPeer(`its node record: ${node.error}`);
    if (this.#parts.alanet.subjects.isReplay(node.value))
      return errors.badPeer('its node record is older than one seen before');
    if (node.value.id === neighbor.peer) return undefined;
    return errors.badPeer(
      `it is ${formatNodeId(node.value.id)}, the link says ${formatNodeId(neighbor.peer)}`,
    );
  }

  #scheduleKeepalive(now: Instant, neighbor: Neighbor): void {
    // RFC 4271 §4.4: a third of the hold time.
    neighbor.timers.set('keepalive', after(now, neighbor.holdMsec / 3));
  }

  #receivedKeepalive(now: Instant, neighbor: Neighbor): void {
    if (!accepts(neighbor.state, 'RcvdKeepalive')) {
      this.fail(now, neighbor, errors.unexpectedMessage(`KEEPALIVE in state ${neighbor.state}`));
      return;
    }
    const was = neighbor.state;
    this.#enter(now, neighbor, 'RcvdKeepalive', '');
    if (was === 'Established') return;
    if (neighbor.holdMsec === 0) neighbor.timers.clear('hold');
    neighbor.establishedAt = now;
    neighbor.connectionsEstablished++;
    if (neighbor.agreement.inForce) this.#parts.alanet.agreed(now, neighbor);
    this.#parts.established(now, neighbor);
  }

  #receivedProposal(now: Instant, neighbor: Neighbor, record: SignedRecord): void {
    const result = neighbor.agreement.handleProposal(record, this.#parts.nowSeconds(now));
    if ('fault' in result) {
      this.fail(now, neighbor, errors.malformedUpdate(result.fault));
      return;
    }
    // The flapping end asks too early: no answer, it will ask again.
    if (result.record !== undefined && neighbor.damping.usableAt(now) > now) return;
    neighbor.queue(result.answer);
    if (result.record !== undefined) this.#inForce(now, neighbor, result.record);
  }

  #receivedAgreement(
    now: Instant,
    neighbor: Neighbor,
    { record, costClass, seqSeen }: Extract<BgpMessage, { kind: 'link-agreement' }>,
  ): void {
    if (!neighbor.agreement.isProposer) return;
    neighbor.agreement.noteOther(costClass, seqSeen);
    if (record !== undefined) this.#inForce(now, neighbor, record);
    else this.#parts.established(now, neighbor);
  }

  #inForce(now: Instant, neighbor: Neighbor, record: SignedRecord): void {
    if (!this.#parts.learn(now, record) || !neighbor.agreement.inForce) return;
    neighbor.timers.set('agree', after(now, this.#agreeInterval(now, neighbor)));
    this.#parts.alanet.agreed(now, neighbor);
  }

  timeout(
    now: Instant,
    neighbor: Neighbor,
    name: Exclude<NeighborTimer, 'work' | 'advertise' | 'settle'>,
  ): void {
    switch (name) {
      case 'hold':
        this.fail(now, neighbor, errors.holdTimerExpired(''));
        return;
      case 'keepalive':
        neighbor.queue({ kind: 'keepalive' });
        this.#scheduleKeepalive(now, neighbor);
        return;
      case 'retry':
        this.resetSoon(neighbor, neighbor.lastError);
        return;
      case 'agree':
        this.#agree(now, neighbor);
        return;
      case 'refresh':
        this.#refresh(now, neighbor);
        return;
      case 'ask-again':
        neighbor.lastAskedAt = now;
        neighbor.queue({ kind: 'route-refresh' });
        return;
      default:
        name satisfies never;
    }
  }

  #agree(now: Instant, neighbor: Neighbor): void {
    if (!neighbor.isEstablished || !neighbor.agreement.isDue(this.#parts.nowSeconds(now))) return;
    neighbor.queue(neighbor.agreement.ask(this.#parts.nowSeconds(now)));
    const interval = neighbor.agreement.inForce
      ? this.#agreeInterval(now, neighbor)
      : AGREE_RETRY_MSEC;
    neighbor.timers.set('agree', after(now, interval));
  }

  #agreeInterval(now: Instant, { establishedAt = now }: Neighbor): number {
    return now - establishedAt < EARLY_MSEC ? AGREE_EARLY_MSEC : AGREE_INTERVAL_MSEC;
  }

  /** A few bytes ask for the whole table: asked again too soon, it waits. */
  #refresh(now: Instant, neighbor: Neighbor): void {
    const { refreshedAt } = neighbor;
    if (refreshedAt !== undefined && now < after(refreshedAt, REFRESH_INTERVAL_MSEC)) {
      neighbor.timers.set('refresh', after(refreshedAt, REFRESH_INTERVAL_MSEC));
      return;
    }
    neighbor.refreshedAt = now;
    this.readvertise(neighbor);
    this.#parts.alanet.readvertise(now, neighbor);
  }

  /** Everything again, between begin and end of RIB (RFC 7313). */
  readvertise(neighbor: Neighbor): void {
    if (!neighbor.carriesRoutes) return;
    neighbor.dump = 'refresh';
    const nothing = {
      records: [],
      paths: [],
      routes: [],
      withdrawn: [],
      forgetPaths: [],
      forgetRecords: [],
    };
    neighbor.queue({
      kind: 'update',
      ...nothing,
      beginOfRib: true,
      endOfRib: false,
      malformed: [],
    });
  }

  /** The last words of an orderly stop: what is down and withdrawn, then NOTIFICATION. */
  farewell(
    neighbor: Neighbor,
    downs: readonly SignedRecord[],
    withdrawals: (neighbor: Neighbor) => readonly BgpUpdate[],
  ): void {
    const first = withdrawals(neighbor);
    // Ids above those in use: the session ends with this message.
    const records = downs.map((record, i) => ({ id: 0x7000_0000 + i, record }));
    const nothing = {
      paths: [],
      routes: [],
      withdrawn: [],
      forgetPaths: [],
      forgetRecords: [],
      malformed: [],
    };
    const flags = { beginOfRib: false, endOfRib: false };
    const head =
      first[0] ?? ({ kind: 'update', records: [], ...nothing, ...flags } satisfies BgpUpdate);
    neighbor.queue({ ...head, records: [...head.records, ...records] });
    for (const update of first.slice(1)) neighbor.queue(update);
    neighbor.queue({ kind: 'notification', ...errors.shutdown('the router stops') });
  }

  #enter(now: Instant, neighbor: Neighbor, trigger: Trigger, reason: string): void {
    const before = neighbor.state;
    neighbor.state = next(before, trigger);
    if (neighbor.state === before) return;
    void now;
    const { peer, name, state } = neighbor;
    const event = { kind: 'neighbor', peer: formatNodeId(peer), name, state, reason } as const;
    this.#parts.emit({ kind: 'event', event });
  }

  #end(now: Instant, neighbor: Neighbor, trigger: 'LinkDown' | 'Fault', reason: string): void {
    const wasEstablished = neighbor.isEstablished;
    if (neighbor.state !== 'Connect' || trigger === 'Fault') neighbor.lastError = reason;
    this.#enter(now, neighbor, trigger, reason);
    if (wasEstablished) {
      neighbor.connectionsDropped++;
      neighbor.downAt = now;
      if (now - (neighbor.establishedAt ?? now) >= STABLE_MSEC) neighbor.failures = 0;
    }
    neighbor.establishedAt = undefined;
    this.#parts.lost(now, neighbor);
    neighbor.resetSession();
  }
}
