/**
 * The paths of one link: probes and answers, when the path in use is dead, and which one to use instead. It decides; the
 * link (`peer-link`) acts on the verdicts.
 */
import { after, type Instant } from '../base/time.js';
import type { LinkId } from '../link/types.js';
import type { LinkCounters, PathInfo } from '../plane/types.js';
import { bestAnswered, type Candidate, CandidateTable, isClearlyBetter } from './candidates.js';
import { type MeshContext, newLinkCounters } from './context.js';
import { Deafness } from './deafness.js';
import { judgeSilence, type SilenceVerdict } from './liveness.js';
import { LossEstimator } from './loss.js';
import { SEAL_BYTES } from './mtu.js';
import { ANSWER_TYPE, encodeProbe, PROBE_TYPE, type Probe } from './probe.js';

/** Ours: probes of one link that wait for an answer. */
const OUTSTANDING_MAX = 128;
/** Ours: a transport that refuses this often, over this time, has no way there. */
const REFUSALS_MAX = 3;
const REFUSALS_MSEC = 150;
const REFUSAL_RETRY_MSEC = 50;
/** The plane tells of packets on another path at least this often, with some room. */
const MOVED_EVERY_MSEC = 150;
/** Ours: how long after a move was seen the other side still counts as sending there. */
const MOVED_RECENTLY_MSEC = 3_000;

interface Outstanding {
  readonly candidate: Candidate;
  readonly sentAt: Instant;
  /** Size of the padded datagram, 0 for a small probe. */
  readonly datagramBytes: number;
}

export interface Answered {
  readonly candidate: Candidate;
  readonly rttMsec: number;
  /** The size in use on that path changed. */
  readonly resized: boolean;
}

export type Reach = 'known' | 'other port' | 'other host';

const udpHost = (url: string): string | undefined => /^udp:\/\/(.+):\d+$/.exec(url)?.[1];

export class LinkPaths {
  readonly table = new CandidateTable(({ path }) => {
    if (path !== undefined) this.#ctx.emit({ kind: 'release', path: path.id });
  });
  readonly loss = new LossEstimator();
  readonly #deafness = new Deafness();
  readonly counters: LinkCounters = newLinkCounters();
  current: Candidate | undefined;
  readonly #ctx: MeshContext;
  readonly #link: LinkId;
  readonly #outstanding = new Map<number, Outstanding>();
  #nonce: number;
  /** Last authenticated packet on another path than the one in use. */
  #otherHeardAt: Instant | undefined;
  #suspectSince: Instant | undefined;
  #askedAfterMoveAt: Instant | undefined;

  constructor(ctx: MeshContext, link: LinkId) {
    this.#ctx = ctx;
    this.#link = link;
    this.#nonce = ctx.options.entropy.below(2 ** 32);
  }

  readCounters(): LinkCounters {
    this.#ctx.options.readLink(this.#link, this.counters);
    return this.counters;
  }

  use(candidate: Candidate): void {
    this.current = candidate;
    this.#suspectSince = undefined;
    this.#otherHeardAt = undefined;
  }

  /** Authenticated packets came over UDP from where we had not sent to: another port of a known host, or another host. */
  reachedBy: Reach = 'known';

  /** An authenticated payload came on this path. */
  heard(now: Instant, path: PathInfo): Candidate | undefined {
    this.#noteReach(path);
    const candidate = this.table.seen(path, this.current);
    if (candidate === undefined) return undefined;
    this.#markHeard(now, candidate);
    if (candidate !== this.current) this.#otherHeardAt = now;
    return candidate;
  }

  #noteReach({ id, transport, remote }: PathInfo): void {
    if (transport !== 'udp' || this.table.byPath(id) !== undefined) return;
    const hosts = this.table.all().map(({ endpoint }) => udpHost(endpoint));
    const isHost = hosts.includes(udpHost(remote));
    if (!isHost) this.reachedBy = 'other host';
    else if (this.reachedBy === 'known') this.reachedBy = 'other port';
  }

  /** Something went out on the path in use that will be answered if the path works. */
  noteDemand(now: Instant): void {
    if (this.current !== undefined) this.current.unansweredAt ??= now;
  }

  /** @param datagramBytes Size of the datagram, for a padded probe. */
  probe(now: Instant, candidate: Candidate, datagramBytes = 0): void {
    const { path } = candidate;
    if (path === undefined) return;
    this.#nonce = (this.#nonce + 1) >>> 0;
    this.#outstanding.set(this.#nonce, { candidate, sentAt: now, datagramBytes });
    if (this.#outstanding.size > OUTSTANDING_MAX) {
      for (const oldest of this.#outstanding.keys()) {
        this.#outstanding.delete(oldest);
        break;
      }
    }
    if (datagramBytes === 0) candidate.unansweredAt ??= now;
    if (candidate.state !== 'proven') candidate.state = 'trying';
    const { txPackets, rxPackets } = this.readCounters();
    const head = { type: PROBE_TYPE, nonce: this.#nonce, txPackets, rxPackets } as const;
    const payload = encodeProbe({ ...head, datagramBytes: 0 }, datagramBytes - SEAL_BYTES);
    this.#send(payload, path);
  }

  probeAll(now: Instant): void {
    for (const candidate of this.table.all()) this.probe(now, candidate);
  }

  /**
   * Answers on the path that the probe came on.
   * @returns true when the probe shows that the peer has heard nothing of us for some time.
   */
  answer(now: Instant, probe: Probe, path: PathInfo, datagramBytes: number): boolean {
    const { txPackets, rxPackets } = this.readCounters();
    const isDeaf = this.#report(now, probe);
    const { nonce } = probe;
    this.#send(
      encodeProbe({ type: ANSWER_TYPE, nonce, txPackets, rxPackets, datagramBytes }),
      path,
    );
    return isDeaf;
  }

  /** @returns undefined for an answer to nothing that we asked. */
  handleAnswer(now: Instant, answer: Probe): Answered | undefined {
    const sent = this.#outstanding.get(answer.nonce);
    if (sent === undefined) return undefined;
    this.#outstanding.delete(answer.nonce);
    const { candidate, sentAt, datagramBytes } = sent;
    const rttMsec = Math.max(now - sentAt, 0.01);
    this.readCounters();
    this.#report(now, answer);
    this.#markHeard(now, candidate);
    if (datagramBytes === 0) candidate.answeredAt = now;
    candidate.state = 'proven';
    candidate.lastResult = `answered in ${rttMsec.toFixed(1)} ms`;
    candidate.rtt.add(rttMsec);
    candidate.minRtt.add(now, rttMsec);
    const whole = datagramBytes > 0 && answer.datagramBytes >= datagramBytes;
    const resized = whole && candidate.mtu.handleAnswer(now, datagramBytes);
    return { candidate, rttMsec, resized };
  }

  /** Looks at the path in use; sends the probes that are due. */
  check(now: Instant): SilenceVerdict {
    const { current } = this;
    if (current === undefined) return { kind: 'calm' };
    const verdict = judgeSilence({
      now,
      ...this.#silence(current),
      intervalMsec: this.#ctx.config.probeIntervalMsec,
      count: this.#ctx.config.probeCount,
      rttMsec: current.rtt.smoothedMsec,
      loss: this.loss.worst,
    });
    if (verdict.kind === 'probe') this.suspect(now);
    if (verdict.kind === 'calm') this.#suspectSince = undefined;
    return verdict;
  }

  /** Probes the path in use, and the others until they have answered. */
  suspect(now: Instant): void {
    const since = this.#suspectSince ?? now;
    this.#suspectSince = since;
    for (const candidate of this.table.all()) {
      const answered = candidate.answeredAt !== undefined && candidate.answeredAt >= since;
      if (candidate === this.current || !answered) this.probe(now, candidate);
    }
  }

  /** The best of the others that answered since the suspicion began. */
  alternative(now: Instant): Candidate | undefined {
    return bestAnswered(this.table.all(), this.#suspectSince ?? now, this.current);
  }

  /** @returns when to try again, or `dead` when the transport has refused for long enough. */
  handleRefusal(now: Instant, candidate: Candidate): Instant | 'dead' {
    candidate.refusedAt ??= now;
    candidate.refusals++;
    const isDead = candidate.refusals >= REFUSALS_MAX && now - candidate.refusedAt >= REFUSALS_MSEC;
    return isDead ? 'dead' : after(now, REFUSAL_RETRY_MSEC);
  }

  /** The other side sends on another path: both are asked. @returns false when that was just done. */
  handleMoved(now: Instant, candidate: Candidate): boolean {
    candidate.movedAt = now;
    this.#otherHeardAt = now;
    const askedAt = this.#askedAfterMoveAt;
    if (askedAt !== undefined && now - askedAt < this.#ctx.config.probeIntervalMsec) return false;
    this.#askedAfterMoveAt = now;
    this.probe(now, candidate);
    if (this.current !== undefined) this.probe(now, this.current);
    return true;
  }

  /**
   * After a probe was answered: which path to use now.
   * @param follows This side goes where the other side sends, so that both use one path.
   */
  preferred(now: Instant, answered: Candidate, follows: boolean): Candidate | undefined {
    const { current } = this;
    if (answered === current) return undefined;
    if (current === undefined || current.state === 'failed') return answered;
    const { movedAt } = answered;
    if (follows) {
      return movedAt !== undefined && now - movedAt < MOVED_RECENTLY_MSEC ? answered : undefined;
    }
    return current.state === 'proven' && isClearlyBetter(answered, current) ? answered : undefined;
  }

  /** The peer moved and the path in use stayed silent: a path that answered while this one did not. */
  outlived(): Candidate | undefined {
    const { current } = this;
    const asked = current?.unansweredAt;
    return asked === undefined ? undefined : bestAnswered(this.table.all(), asked, current);
  }

  /** How long to wait for the answer to a probe. */
  patienceMsec(): number {
    return Math.max(200, 3 * (this.current?.rtt.smoothedMsec ?? 0));
  }

  #silence(current: Candidate): { heardAt: Instant; demandAt: Instant | undefined } {
    const { lastRxAt, unansweredSinceAt } = this.readCounters();
    const other = this.#otherHeardAt;
    const isOfOther = other !== undefined && lastRxAt - other <= MOVED_EVERY_MSEC;
    if (!isOfOther && lastRxAt > (current.heardAt ?? 0)) this.#markHeard(lastRxAt, current);
    const asked = [current.unansweredAt, unansweredSinceAt || undefined];
    const demands = asked.filter((at) => at !== undefined);
    const demandAt = demands.length === 0 ? undefined : (Math.min(...demands) as Instant);
    return { heardAt: current.heardAt ?? (0 as Instant), demandAt };
  }

  #markHeard(at: Instant, candidate: Candidate): void {
    candidate.heardAt = at;
    candidate.refusals = 0;
    candidate.refusedAt = undefined;
    const { unansweredAt } = candidate;
    if (unansweredAt !== undefined && at > unansweredAt) candidate.unansweredAt = undefined;
  }

  #report(now: Instant, { txPackets: peerTx, rxPackets: peerRx }: Probe): boolean {
    const { txPackets: ownTx, rxPackets: ownRx } = this.counters;
    this.loss.add({ ownTx, ownRx, peerTx, peerRx });
    const interval = this.#ctx.config.probeIntervalMsec;
    const patience = Math.max(1.5 * interval, 2 * (this.current?.rtt.smoothedMsec ?? 0));
    return this.#deafness.report(now, { ownTx, peerRx }, patience);
  }

  /** The counts of both sides start anew (another session or a restart). */
  resetReports(): void {
    this.loss.reset();
    this.#deafness.reset();
  }

  #send(payload: Uint8Array, path: PathInfo): void {
    const command = { kind: 'send', link: this.#link, payload, via: path.id } as const;
    this.#ctx.emit({ kind: 'plane', command });
  }
}
