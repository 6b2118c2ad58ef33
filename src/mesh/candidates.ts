/** The endpoints and paths of one peer, with what was measured on each; and the choice among them. */
import type { Instant } from '../base/time.js';
import type { PathId, PathInfo } from '../plane/types.js';
import { PathMtu } from './mtu.js';
import { MinRtt, RttEstimator } from './rtt.js';

/** Ours. */
export const CANDIDATES_PER_PEER_MAX = 16;
/** A datagram of UDP over IPv6 on a path of 9000; the search ends far below. */
const DATAGRAM_LIMIT = 8_952;

/** config: by hand. hello: told by the peer. beacon: heard on the LAN. seen: the peer's packets came from there. relay: a neighbor carries. */
export type CandidateSource = 'config' | 'hello' | 'beacon' | 'seen' | 'relay';
export type CandidateState = 'new' | 'opening' | 'trying' | 'proven' | 'failed';

export interface Candidate {
  readonly endpoint: string;
  source: CandidateSource;
  state: CandidateState;
  lastResult: string;
  path: PathInfo | undefined;
  readonly rtt: RttEstimator;
  readonly minRtt: MinRtt;
  mtu: PathMtu;
  /** Last authenticated sign of the peer that surely came this way. */
  heardAt: Instant | undefined;
  /** Last answer to a probe that went this way: it works both ways. */
  answeredAt: Instant | undefined;
  /** First probe sent this way that nothing was heard after. */
  unansweredAt: Instant | undefined;
  /** The transport refused to send: how often, and since when. */
  refusals: number;
  refusedAt: Instant | undefined;
  /** The peer's packets came this way while another path was in use. */
  movedAt: Instant | undefined;
}

export function newCandidate(endpoint: string, source: CandidateSource): Candidate {
  return {
    ...{ endpoint, source, state: 'new', lastResult: '', path: undefined },
    ...{ rtt: new RttEstimator(), minRtt: new MinRtt(), mtu: new PathMtu(DATAGRAM_LIMIT) },
    ...{ heardAt: undefined, answeredAt: undefined, unansweredAt: undefined },
    ...{ refusals: 0, refusedAt: undefined, movedAt: undefined },
  };
}

export class CandidateTable {
  #list: Candidate[] = [];
  readonly #evicted: (candidate: Candidate) => void;

  /** @param evicted Told of each candidate that had to make room. */
  constructor(evicted: (candidate: Candidate) => void) {
    this.#evicted = evicted;
  }

  all(): readonly Candidate[] {
    return this.#list;
  }

  byPath(id: PathId): Candidate | undefined {
    return this.#list.find((candidate) => candidate.path?.id === id);
  }

  byEndpoint(endpoint: string): Candidate | undefined {
    return this.#list.find((candidate) => candidate.endpoint === endpoint);
  }

  /** @returns the candidate, or undefined when there is no room and none that matters less. */
  add(endpoint: string, source: CandidateSource, spare?: Candidate): Candidate | undefined {
    const known = this.byEndpoint(endpoint);
    if (known !== undefined) {
      if (source === 'config' || known.source === 'seen') known.source = source;
      return known;
    }
    if (this.#list.length >= CANDIDATES_PER_PEER_MAX && !this.#makeRoom(spare)) return undefined;
    const candidate = newCandidate(endpoint, source);
    this.#list.push(candidate);
    return candidate;
  }

  /** The candidate of a path that authenticated packets came from. @param spare The one in use. */
  seen(path: PathInfo, spare: Candidate | undefined): Candidate | undefined {
    const known = this.byPath(path.id);
    if (known !== undefined) return known;
    const candidate = this.add(path.remote, 'seen', spare);
    if (candidate !== undefined) bindPath(candidate, path);
    return candidate;
  }

  remove(gone: Candidate): void {
    this.#list = this.#list.filter((candidate) => candidate !== gone);
  }

  /** The least recently heard of those that the peer or its packets brought. */
  #makeRoom(spare: Candidate | undefined): boolean {
    let victim: Candidate | undefined;
    for (const candidate of this.#list) {
      if (candidate === spare || candidate.source === 'config') continue;
      if (victim === undefined || (candidate.heardAt ?? 0) < (victim.heardAt ?? 0)) {
        victim = candidate;
      }
    }
    if (victim === undefined) return false;
    this.remove(victim);
    this.#evicted(victim);
    return true;
  }
}

export function bindPath(candidate: Candidate, path: PathInfo): void {
  if (candidate.path?.id !== path.id) candidate.mtu = new PathMtu(path.maxDatagramBytes);
  candidate.path = path;
  if (candidate.state === 'new' || candidate.state === 'opening') candidate.state = 'trying';
}

/** An RTT below this share of the other's, and this much less, is clearly better. */
const BETTER_SHARE = 0.8;
const BETTER_MSEC = 2;

/**
 * Is `other` clearly better than the path in use? Both are proven. Direct before relayed, datagrams before streams,
 * then RTT with hysteresis.
 */
export function isClearlyBetter(other: Candidate, current: Candidate): boolean {
  const rank = rankOf(other) - rankOf(current);
  if (rank !== 0) return rank < 0;
  const [mine, theirs] = [current.rtt.smoothedMsec, other.rtt.smoothedMsec];
  if (mine === undefined || theirs === undefined) return mine === undefined;
  return theirs < mine * BETTER_SHARE && theirs < mine - BETTER_MSEC;
}

/** 0: direct, in datagrams. */
export function rankOf({ path }: Candidate): number {
  if (path === undefined) return 4;
  return (path.relayed ? 2 : 0) + (path.reliable ? 1 : 0);
}

/** The best of those that answered a probe since `since`; a total order: rank, RTT, endpoint. */
export function bestAnswered(
  list: readonly Candidate[],
  since: Instant,
  except: Candidate | undefined,
): Candidate | undefined {
  const answered = list.filter(
    (candidate) =>
      candidate !== except &&
      candidate.path !== undefined &&
      candidate.answeredAt !== undefined &&
      candidate.answeredAt >= since,
  );
  return answered.sort(byPreference)[0];
}

function byPreference(a: Candidate, b: Candidate): number {
  const byRank = rankOf(a) - rankOf(b);
  if (byRank !== 0) return byRank;
  const byRtt = (a.rtt.smoothedMsec ?? Infinity) - (b.rtt.smoothedMsec ?? Infinity);
  if (byRtt !== 0 && !Number.isNaN(byRtt)) return byRtt;
  return a.endpoint < b.endpoint ? -1 : 1;
}
