import { PathMtu } from './mtu.js';
import { MinRtt, RttEstimator } from './rtt.js';
/** Ours. */
export const CANDIDATES_PER_PEER_MAX = 16;
/** A datagram of UDP over IPv6 on a path of 9000; the search ends far below. */
const DATAGRAM_LIMIT = 8_952;
export function newCandidate(endpoint, source) {
    return {
        ...{ endpoint, source, state: 'new', lastResult: '', path: undefined },
        ...{ rtt: new RttEstimator(), minRtt: new MinRtt(), mtu: new PathMtu(DATAGRAM_LIMIT) },
        ...{ heardAt: undefined, answeredAt: undefined, unansweredAt: undefined },
        ...{ refusals: 0, refusedAt: undefined, movedAt: undefined },
    };
}
export class CandidateTable {
    #list = [];
    #evicted;
    /** @param evicted Told of each candidate that had to make room. */
    constructor(evicted) {
        this.#evicted = evicted;
    }
    all() {
        return this.#list;
    }
    byPath(id) {
        return this.#list.find((candidate) => candidate.path?.id === id);
    }
    byEndpoint(endpoint) {
        return this.#list.find((candidate) => candidate.endpoint === endpoint);
    }
    /** @returns the candidate, or undefined when there is no room and none that matters less. */
    add(endpoint, source, spare) {
        const known = this.byEndpoint(endpoint);
        if (known !== undefined) {
            if (source === 'config' || known.source === 'seen')
                known.source = source;
            return known;
        }
        if (this.#list.length >= CANDIDATES_PER_PEER_MAX && !this.#makeRoom(spare))
            return undefined;
        const candidate = newCandidate(endpoint, source);
        this.#list.push(candidate);
        return candidate;
    }
    /** The candidate of a path that authenticated packets came from. @param spare The one in use. */
    seen(path, spare) {
        const known = this.byPath(path.id);
        if (known !== undefined)
            return known;
        const candidate = this.add(path.remote, 'seen', spare);
        if (candidate !== undefined)
            bindPath(candidate, path);
        return candidate;
    }
    remove(gone) {
        this.#list = this.#list.filter((candidate) => candidate !== gone);
    }
    /** The least recently heard of those that the peer or its packets brought. */
    #makeRoom(spare) {
        let victim;
        for (const candidate of this.#list) {
            if (candidate === spare || candidate.source === 'config')
                continue;
            if (victim === undefined || (candidate.heardAt ?? 0) < (victim.heardAt ?? 0)) {
                victim = candidate;
            }
        }
        if (victim === undefined)
            return false;
        this.remove(victim);
        this.#evicted(victim);
        return true;
    }
}
export function bindPath(candidate, path) {
    if (candidate.path?.id !== path.id)
        candidate.mtu = new PathMtu(path.maxDatagramBytes);
    candidate.path = path;
    if (candidate.state === 'new' || candidate.state === 'opening')
        candidate.state = 'trying';
}
/** An RTT below this share of the other's, and this much less, is clearly better. */
const BETTER_SHARE = 0.8;
const BETTER_MSEC = 2;
/**
 * Is `other` clearly better than the path in use? Both are proven. Direct before relayed, datagrams before streams,
 * then RTT with hysteresis.
 */
export function isClearlyBetter(other, current) {
    const rank = rankOf(other) - rankOf(current);
    if (rank !== 0)
        return rank < 0;
    const [mine, theirs] = [current.rtt.smoothedMsec, other.rtt.smoothedMsec];
    if (mine === undefined || theirs === undefined)
        return mine === undefined;
    return theirs < mine * BETTER_SHARE && theirs < mine - BETTER_MSEC;
}
function rankOf({ path }) {
    if (path === undefined)
        return 4;
    return (path.relayed ? 2 : 0) + (path.reliable ? 1 : 0);
}
/** The best of those that answered a probe since `since`; a total order: rank, RTT, endpoint. */
export function bestAnswered(list, since, except) {
    const answered = list.filter((candidate) => candidate !== except &&
        candidate.path !== undefined &&
        candidate.answeredAt !== undefined &&
        candidate.answeredAt >= since);
    return answered.sort(byPreference)[0];
}
function byPreference(a, b) {
    const byRank = rankOf(a) - rankOf(b);
    if (byRank !== 0)
        return byRank;
    const byRtt = (a.rtt.smoothedMsec ?? Infinity) - (b.rtt.smoothedMsec ?? Infinity);
    if (byRtt !== 0 && !Number.isNaN(byRtt))
        return byRtt;
    return a.endpoint < b.endpoint ? -1 : 1;
}
